"""`dpgate withdraw`."""

from __future__ import annotations

from pathlib import Path

import click

from dpgate.cli.options import common, finish, key_option, load_key, release_argument, root_option


@click.command("withdraw", short_help="Call a release back, on record.")
@release_argument
@click.option("--reason", required=True, help="Why, for everybody who reads the ledger.")
@key_option("a runner")
@root_option
@common
def command(
    release: str, reason: str, key_file: str, root: str | None, repo: Path, style: str
) -> None:
    """Record that RELEASE (dataset/release) is called back; its cost stays spent.

    \b
    Examples
      dpgate withdraw rand-health/2026q4-vendor-testing --reason "Vendor contract ended" --key runner.key
    """
    from dpgate.gate.withdraw import withdraw

    finish(withdraw(release, reason=reason, key=load_key(key_file), repo=repo, root=root), style)
