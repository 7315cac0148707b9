"""`dpgate recommend`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dpgate.cli.options import common, complete_dataset, decimal, finish


@click.command(
    "recommend", short_help="From a desired quality to ε, synthesizer and bins; no data."
)
@click.argument("dataset", metavar="DATASET", shell_complete=complete_dataset)
@click.option("--columns", metavar="A,B,…", help="Columns to release.  [default: all that can be]")
@click.option(
    "--target-tvd",
    metavar="T",
    help="Goal: noise alone moves an average marginal by this share of the rows.  [default: 0.05]",
)
@click.option(
    "--noise-at-most",
    metavar="R",
    help="Goal instead: 95 % noise of an average cell, relative to the count it should hold.",
)
@click.option(
    "--order",
    type=click.IntRange(1, 2),
    default=2,
    show_default=True,
    help="Columns of the marginals that the goal is about.",
)
@click.option(
    "--rows",
    type=click.IntRange(min=1),
    help="Rows to assume, a public number.  [default: the dataset's public bound]",
)
@click.option(
    "--with",
    "synthesizer",
    metavar="NAME",
    help="Only this synthesizer.  [default: the one that needs the least ε]",
)
@common
def command(dataset: str, columns: str | None, repo: Path, style: str, **wish: Any) -> None:
    """Recommend ε, synthesizer and bins for DATASET, with the reasoning and a manifest to paste.

    Everything follows from public documents and the ledger: no data is touched, no remote
    contacted. Noise is counted and model error is not: it depends on the data. Ends with exit
    code 1 if nothing that policy and budget allow meets the goal; then it says what fits.

    \b
    Examples
      dpgate recommend clinic-visits
      dpgate recommend clinic-visits --columns age_group,clinic,reason --target-tvd 0.02
      dpgate recommend clinic-visits --noise-at-most 0.1 --rows 40000 --format json
    """
    from dpgate.gate.recommend import recommend

    result = recommend(
        dataset,
        repo,
        columns=tuple(name.strip() for name in columns.split(",")) if columns else (),
        target_tvd=decimal(wish["target_tvd"]),
        noise_at_most=decimal(wish["noise_at_most"]),
        order=wish["order"],
        rows=wish["rows"],
        synthesizer=wish["synthesizer"],
    )
    finish(result, style, 0 if result.allowed else 1)
