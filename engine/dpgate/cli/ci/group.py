"""The group, whose commands are loaded when they are asked for."""

from __future__ import annotations

import importlib

import click

_COMMANDS = ("check", "comment", "release")


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        found = importlib.import_module(f"dpgate.cli.ci.{cmd_name}").command
        if not isinstance(found, click.Command):  # pragma: no cover - each module defines one
            raise TypeError(f"{cmd_name} defines no command")
        return found


@click.command(
    "ci", cls=_Lazy, short_help="What CI jobs run: judge a request, release what is ready."
)
def command() -> None:
    """Steps of a CI job, on GitHub, GitLab or from cron.

    In a job of GitHub Actions they also write its summary, annotations and outputs. The workflows of
    `dpgate init` use them; see docs/github.md and docs/ci/.

    \b
    Examples
      dpgate ci check --base origin/main --report reports
      dpgate ci release --source /data/visits.parquet --key runner.key --root sha256:…
    """
