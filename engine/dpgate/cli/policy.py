"""`dpgate policy`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from dpgate.cli.options import common, finish, key_option, load_key, root_option


@click.group("policy", short_help="Adopt a policy; the first adoption starts the ledger.")
def command() -> None:
    """What the organization allows, and how that changes."""


@command.command("pending")
@common
def pending(repo: Path, style: str) -> None:
    """Say in words what adopting the work tree's policy would change; nothing is written.

    \b
    Examples
      dpgate policy pending
    """
    from dpgate.gate.adopt import pending as run

    finish(run(repo), style)


@command.command("adopt")
@key_option("a runner")
@root_option
@click.option("--yes", is_flag=True, help="Do not ask, in a terminal, after showing the changes.")
@common
def adopt(
    key_file: str,
    root: str | None,
    yes: bool,  # noqa: FBT001 - click's flag
    repo: Path,
    style: str,
) -> None:
    """Put the work tree's policy in force, after saying in words what that changes.

    It needs the approvals that `policy_change` of the policy before it names (the first one: its
    own). The first adoption is the ledger's genesis; keep the root it prints outside the
    repository, where runners and auditors find it.

    \b
    Examples
      dpgate approve policy --role privacy --key privacy.key
      dpgate approve policy --role legal --key legal.key
      dpgate policy adopt --key runner.key
    """
    from dpgate.gate.adopt import adopt as run
    from dpgate.gate.adopt import pending as preview
    from dpgate.report.interface import get

    key = load_key(key_file)
    if style == "text":
        get("text").result(preview(repo), sys.stdout)
        if sys.stdin.isatty() and not yes:
            click.confirm("Adopt it?", abort=True, err=True)
    finish(run(key=key, repo=repo, root=root), style)
