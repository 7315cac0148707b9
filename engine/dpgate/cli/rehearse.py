"""`dpgate rehearse`."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from dpgate.cli.options import common, decimal, finish, release_argument
from dpgate.cli.progress import stages


@click.command("rehearse", short_help="A release on a stand-in, over ε and synthesizers; no cost.")
@release_argument
@click.option(
    "--stand-in",
    metavar="URI",
    help="Public rows of the dataset's shape, named as release --source names private ones.  "
    "[default: invented rows, as dpgate mock writes them]",
)
@click.option(
    "--stand-in-is-public",
    is_flag=True,
    help="Vouch that anybody may see every row of --stand-in. Never say so of private data.",
)
@click.option(
    "--epsilon",
    metavar="E,F,…",
    help="ε to try, beside the manifest's own.  [default: 0.1,0.3,1,3,10]",
)
@click.option(
    "--with",
    "synthesizers",
    metavar="A,B,…",
    help="Synthesizers to try, beside the manifest's own.  [default: those that the policy allows]",
)
@click.option(
    "--runs", type=click.IntRange(1, 100), default=3, show_default=True, help="Runs of each."
)
@click.option(
    "--rows",
    type=click.IntRange(min=1),
    help="Rows to invent; of persons, of two tables.  [default: 20000, or the public bound]",
)
@click.option(
    "--shadow",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Attack the manifest's own synthesizer by N rounds of shadow models: it is run N times on "
    "halves of 2,000 rows. 16 is usual.  [default: none]",
)
@click.option(
    "--canaries",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Plant about half of N made-up rows, and look for them. 200 is usual.  [default: none]",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Folder for evidence.json and evidence.html; must not exist or be empty.  "
    "[default: rehearsal-NAME, here]",
)
@common
def command(
    *, release: str, stand_in: str | None, out: Path | None, repo: Path, style: str, **wish: Any
) -> None:
    """Rehearse RELEASE: plan, synthesize, measure and judge it on rows that stand in for the data.

    Nothing private is read and nothing is spent: no ledger, key or remote is touched. The sweep shows
    how each measure changes with ε and synthesizer, without noise, and whether the gate, which sees
    it with noise, would have let each run out. Numbers of a stand-in are exact and unprotected:
    never point this at private data. Ends with exit code 1 if the manifest as it stands would have
    failed a run.

    \b
    Examples
      dpgate rehearse clinic-visits/vendor-testing
      dpgate rehearse clinic-visits/vendor-testing --epsilon 0.5,1,2 --with mst,aim --runs 5
      dpgate rehearse clinic-visits/vendor-testing --runs 1 --shadow 16 --canaries 200
      dpgate rehearse clinic-visits/vendor-testing --stand-in census.parquet --stand-in-is-public
    """
    from dpgate.gate.rehearse import rehearse

    epsilons = [decimal(text.strip()) for text in (wish["epsilon"] or "").split(",") if text]
    with stages() as progress:
        result = rehearse(
            release,
            repo,
            stand_in=stand_in,
            stand_in_is_public=wish["stand_in_is_public"],
            epsilons=[each for each in epsilons if isinstance(each, Decimal)],
            synthesizers=[n.strip() for n in (wish["synthesizers"] or "").split(",") if n.strip()],
            runs=wish["runs"],
            rows=wish["rows"],
            shadow=wish["shadow"],
            canaries=wish["canaries"],
            out=out,
            progress=progress,
        )
    finish(result, style, result.exit_code)
