"""`dpgate ledger`."""

from __future__ import annotations

from pathlib import Path

import click

from dpgate.cli.options import (
    common,
    complete_release,
    decimal,
    finish,
    key_option,
    load_key,
    offline_option,
    release_argument,
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
    """Budgets as they stand, and one line an entry.

    \b
    Examples
      dpgate ledger show
      dpgate ledger show --release rand-health/2026q4-vendor-testing --format json
    """
    from dpgate.gate.ledger import show as run

    finish(run(repo, release=release, offline=offline), style)


@command.command("log")
@offline_option
@common
def log(offline: bool, repo: Path, style: str) -> None:  # noqa: FBT001 - click's flag
    """The ledger as sentences, one an entry.

    \b
    Examples
      dpgate ledger log
      dpgate ledger log --offline --format json
    """
    from dpgate.gate.ledger import log as run

    finish(run(repo, offline=offline), style)


@command.command("explain", short_help="The arithmetic of one entry, from its mechanisms to ε.")
@click.argument("entry", type=int)
@offline_option
@common
def explain(entry: int, offline: bool, repo: Path, style: str) -> None:  # noqa: FBT001
    """The arithmetic of ENTRY, from the parameters of its mechanisms to the ε of each scope.

    \b
    Examples
      dpgate ledger explain 2
    """
    from dpgate.gate.explain import explain as run

    finish(run(entry, repo, offline=offline), style)


@command.command("export", short_help="Write one flat row an entry to a file.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--kind",
    type=click.Choice(["jsonl", "csv", "parquet"]),
    help="Kind of file.  [default: by its ending]",
)
@offline_option
@common
def export(file: Path, kind: str | None, offline: bool, repo: Path, style: str) -> None:  # noqa: FBT001
    """Write one flat row an entry to FILE, for spreadsheets and warehouses.

    \b
    Examples
      dpgate ledger export ledger.csv
      dpgate ledger export ledger.parquet --offline
    """
    from dpgate.gate.export import export as run

    finish(run(file, repo, kind=kind or "", offline=offline), style)


@command.command("what-if", short_help="How many more releases like one would fit today.")
@release_argument
@click.option("--epsilon", metavar="E", help="ε of each release.  [default: the manifest's]")
@click.option("--times", default=12, show_default=True, help="How many to try.")
@offline_option
@common
def what_if(
    release: str,
    epsilon: str | None,
    times: int,
    offline: bool,  # noqa: FBT001 - click's flag
    repo: Path,
    style: str,
) -> None:
    """How many more releases like RELEASE would fit today, one after the other.

    \b
    Examples
      dpgate ledger what-if rand-health/2026q4-vendor-testing
      dpgate ledger what-if rand-health/2026q4-vendor-testing --epsilon 0.5 --times 20
    """
    from dpgate.gate.whatif import what_if as run

    finish(run(release, repo, epsilon=decimal(epsilon), times=times, offline=offline), style)


@command.command("recover")
@click.option("--entry", required=True, type=int, help="Number of the open reservation.")
@key_option("a runner")
@root_option
@common
def recover(entry: int, key_file: str, root: str | None, repo: Path, style: str) -> None:
    """Close a reservation whose run died, as abandoned.

    Its cost stays spent, it can't be settled later, and what it staged on this machine is deleted.

    \b
    Examples
      dpgate ledger recover --entry 5 --key runner.key
    """
    from dpgate.gate.recover import recover as run

    finish(run(entry=entry, key=load_key(key_file), repo=repo, root=root), style)
