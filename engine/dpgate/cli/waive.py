"""`dpgate waive`."""

from __future__ import annotations

from pathlib import Path

import click

from dpgate.cli.options import (
    common,
    complete_role,
    complete_waiver,
    finish,
    key_option,
    load_key,
    offline_option,
)


@click.command("waive", short_help="Sign one role's consent to a waiver of a soft rule.")
@click.argument("waiver", metavar="WAIVER", shell_complete=complete_waiver)
@click.option(
    "--role",
    required=True,
    shell_complete=complete_role,
    help="Role that signs: one that spec.waivers of the policy names; the key must be one of its keys.",
)
@key_option("the signer")
@offline_option
@common
def command(
    waiver: str,
    role: str,
    key_file: str,
    offline: bool,  # noqa: FBT001 - click's flag
    repo: Path,
    style: str,
) -> None:
    """Sign WAIVER, the name of a document policies/waivers/WAIVER.yaml.

    A waiver sets one soft rule aside for one release until a day. It is in force once every role
    that the adopted policy names has signed it, and it must be approved again, with the release,
    by those who approve the release. The signature binds the waiver's exact bytes, the
    repository and the adopted policy. Commit the file it writes.

    \b
    Examples
      dpgate waive late-retention --role privacy --key ~/.ssh/privacy
      dpgate waive late-retention --role legal --key ~/.ssh/legal --format json
    """
    from dpgate.gate.waive import waive

    finish(waive(waiver, role=role, key=load_key(key_file), repo=repo, offline=offline), style)
