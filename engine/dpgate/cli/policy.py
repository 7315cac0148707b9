"""`dpgate policy`."""

from __future__ import annotations

from pathlib import Path

import click

from dpgate.cli.options import common, finish, key_option, load_key, root_option


@click.group("policy", short_help="Adopt a policy; the first adoption starts the ledger.")
def command() -> None:
    """What the organization allows, and how that changes."""


@command.command("adopt")
@key_option("a runner")
@root_option
@common
def adopt(key_file: Path, root: str | None, repo: Path, style: str) -> None:
    r"""Put the work tree's policy in force.

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

    finish(run(key=load_key(key_file), repo=repo, root=root), style)
