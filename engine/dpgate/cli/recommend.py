"""`dpgate recommend`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dpgate.cli.options import common, complete_dataset, decimal, finish

if TYPE_CHECKING:
    from dpgate.gate.recommendation import RecommendResult, TrainingRecommendation


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
    help="Columns of the marginals that the goal is about.  [default: 2]",
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
@click.option(
    "--quality",
    type=click.Choice(["fast", "balanced", "high"]),
    help="Fill in the training of a network (dp-tvae, dp-ctgan) instead of meeting a goal.",
)
@click.option(
    "--epsilon",
    metavar="E",
    help="ε of a training.  [default: the highest that classes and budgets leave]",
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
      dpgate recommend clinic-visits --with dp-tvae --quality balanced --epsilon 3

    No goal can be turned into ε for a network, so --quality takes --epsilon, and no goal.
    """
    names = tuple(name.strip() for name in columns.split(",")) if columns else ()
    result = (_training if wish["quality"] else _tables)(dataset, repo, names, wish)
    finish(result, style, 0 if result.allowed else 1)


def _tables(
    dataset: str, repo: Path, columns: tuple[str, ...], wish: dict[str, Any]
) -> RecommendResult:
    from dpgate.gate.recommend import recommend

    if wish["epsilon"]:
        raise click.UsageError("--epsilon is for --quality: without it, ε is what is recommended")
    return recommend(
        dataset,
        repo,
        columns=columns,
        target_tvd=decimal(wish["target_tvd"]),
        noise_at_most=decimal(wish["noise_at_most"]),
        order=wish["order"] or 2,
        rows=wish["rows"],
        synthesizer=wish["synthesizer"],
    )


def _training(
    dataset: str, repo: Path, columns: tuple[str, ...], wish: dict[str, Any]
) -> TrainingRecommendation:
    from dpgate.gate.recommend_training import recommend_training

    for goal in ("target_tvd", "noise_at_most", "order"):
        if wish[goal] is not None:
            option = "--" + goal.replace("_", "-")
            raise click.UsageError(
                f"{option} is a goal for tables; --quality takes --epsilon instead"
            )
    return recommend_training(
        dataset,
        repo,
        quality=wish["quality"],
        epsilon=decimal(wish["epsilon"]),
        columns=columns,
        rows=wish["rows"],
        synthesizer=wish["synthesizer"],
    )
