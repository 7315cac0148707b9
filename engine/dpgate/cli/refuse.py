"""`dpgate refuse`."""

from __future__ import annotations

from pathlib import Path

import click

from dpgate.cli.options import (
    common,
    complete_role,
    finish,
    key_option,
    load_key,
    offline_option,
    release_argument,
)


@click.command("refuse", short_help="Sign a No to a release, or to the policy, with a reason.")
@release_argument
@click.option(
    "--role",
    required=True,
    shell_complete=complete_role,
    help="Role that refuses; the key must be one of its keys.",
)
@key_option("who refuses")
@click.option("--reason", required=True, metavar="TEXT", help="One line, shown to everybody.")
@offline_option
@common
def command(
    release: str,
    role: str,
    key_file: str,
    reason: str,
    offline: bool,  # noqa: FBT001 - click's flag
    repo: Path,
    style: str,
) -> None:
    """Refuse RELEASE (dataset/release), or `policy` for the work tree's policy.

    While the refusal is in force, nobody releases these bytes: plan and release say who refused and
    why. It ends when manifest or dataset change, or when the same key approves.
    Commit the file it writes.

    \b
    Examples
      dpgate refuse rand-health/2026q4-vendor-testing --role privacy --key ~/.ssh/privacy --reason "Ages too fine."
      dpgate refuse policy --role legal --key agent --reason "No lawful basis for teaching."
    """
    from dpgate.gate.refuse import refuse

    key = load_key(key_file)
    finish(refuse(release, role=role, key=key, reason=reason, repo=repo, offline=offline), style)
