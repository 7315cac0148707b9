"""`dpgate mock`."""

from __future__ import annotations

from pathlib import Path

import click

from dpgate.cli.options import common, complete_dataset, finish


@click.command("mock", short_help="Invented rows of a dataset's shape; no data.")
@click.argument("dataset", metavar="DATASET", shell_complete=complete_dataset)
@click.option(
    "--rows", required=True, type=click.IntRange(min=1), help="How many; of persons, of two tables."
)
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A new file, ending in .parquet or .csv; of two tables, a new folder.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**63 - 1),
    help="Other rows for another number.  [default: one that follows from the dataset's name]",
)
@common
def command(
    *, dataset: str, rows: int, out: Path, seed: int | None, repo: Path, style: str
) -> None:
    """Write rows of DATASET that are invented from its document alone.

    Types, domains, missing values, constraints, derived columns and identifiers are as the document
    says; shares and dependence are drawn by chance, the same each time, and resemble nobody and
    nothing. Free text is left out. Try a loader, a dashboard or `dpgate rehearse` on them.

    \b
    Examples
      dpgate mock clinic-visits --rows 5000 --out visits.parquet
      dpgate mock clinic-visits --rows 200 --out visits.csv --seed 7
    """
    from dpgate.gate.mock import mock

    finish(mock(dataset, out, repo, rows=rows, seed=seed), style)
