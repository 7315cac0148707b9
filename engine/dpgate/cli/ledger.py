"""`dpgate ledger`."""

from __future__ import annotations

from pathlib import Path

import click

from dpgate.cli.options import (
    common,
    complete_release,
    finish,
    key_option,
    load_key,
    offline_option,
    root_option,
)


@click.group("ledger", short_help="Read the ledger; close a reservation whose run died.")
def command() -> None:
    """What was spent, by whom it was approved, and what remains."""


@command.command("show")
@click.option(
    "--release",
    metavar="RELEASE",
    shell_complete=complete_release,
    help="Only entries of this release.",
)
@offline_option
@common
def show(release: str | None, offline: bool, repo: Path, style: str) -> None:  # noqa: FBT001 - click's flag
    r"""Budgets as they stand, and one line an entry.

    \b
    Examples
      dpgate ledger show
      dpgate ledger show --release rand-health/2026q4-vendor-testing --format json
    """
    from dpgate.gate.ledger import show as run

    finish(run(repo, release=release, offline=offline), style)


@command.command("recover")
@click.option("--entry", required=True, type=int, help="Number of the open reservation.")
@key_option("a runner")
@root_option
@common
def recover(entry: int, key_file: Path, root: str | None, repo: Path, style: str) -> None:
    r"""Close a reservation whose run died, as abandoned.

    Its cost stays spent, it can't be settled later, and what it staged on this machine is deleted.

    \b
    Examples
      dpgate ledger recover --entry 5 --key runner.key
    """
    from dpgate.gate.recover import recover as run

    finish(run(entry=entry, key=load_key(key_file), repo=repo, root=root), style)
