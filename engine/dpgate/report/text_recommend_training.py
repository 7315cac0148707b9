"""A recommended training as text: the numbers with what they mean, then the manifest."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from dpgate.gate.recommendation import OnAdult, TrainingNumbers, TrainingRecommendation
from dpgate.model.values import plain, short
from dpgate.report.text_plan import budget_table
from dpgate.report.words import findings, next_line, tick


def recommend_training(result: TrainingRecommendation) -> RenderableType:
    """The whole recommendation."""
    parts: list[RenderableType] = [_head(result), Text(""), *_wish(result)]
    if result.training is not None:
        parts += [Text(""), *_training(result, result.training)]
    parts += [Text(""), *_on_adult(result)]
    parts += [Text(""), *_budget(result), *findings(result.findings), Text("")]
    parts += [Text("manifest", style="bold"), Text(result.manifest.rstrip()), Text("")]
    return Group(*parts, *next_line(result.next))


def _head(result: TrainingRecommendation) -> Text:
    words = f"{result.synthesizer}, {result.quality}, at ε {plain(result.asked)}, δ={short(result.delta)}"
    if result.training is None:
        words += ": it cannot be trained"
    elif not result.allowed:
        words += ": rules or budgets deny it"
    mark = tick(ok=result.allowed)
    return Text.assemble((result.dataset, "bold"), "   ", mark, " ", (words, "bold"))


def _wish(result: TrainingRecommendation) -> list[Text]:
    size = f"{len(result.columns)} columns of {result.cells} cells together"
    lines = [Text(f"{size}; {result.rows_at_most} {result.unit}s at most (the public bound)")]
    source = result.epsilon_note or "as given"
    lines.append(Text(f"ε: {source}; no noise of a table says how well a network learns"))
    if result.why:
        lines.append(Text(f"{result.synthesizer}: {result.why}"))
    return lines


def _training(result: TrainingRecommendation, made: TrainingNumbers) -> list[Text]:
    spent = result.epsilon or result.asked
    promised = f"the least at which {made.steps} steps at this rate keep the promise"
    signal = "noise of a step over the largest sum that a full batch can have"
    network = f"{made.weights} weights (width {made.width}, latent {made.latent})"
    most = f"at most {result.rows_at_most} {made.records}"
    lines = (
        f"sampling rate {short(made.rate)}: a batch of {made.batch} of {most}",
        f"{made.steps} steps: {plain(made.passes)} passes over the data",
        f"noise multiplier {plain(made.noise_multiplier)}: {promised}, tables and evidence beside them",
        f"noise to signal {plain(made.noise_to_signal)}: {signal}, over {network}",
        f"ε {plain(spent)} at δ={short(result.delta)}: of all that the release runs",
    )
    parts = [Text("training", style="bold"), *(Text(f"  {line}") for line in lines)]
    if result.reasons:
        smaller = ", ".join(result.reasons)
        parts.append(Text(f"  made smaller so that noise leaves something to learn: {smaller}"))
    return parts


def _on_adult(result: TrainingRecommendation) -> list[RenderableType]:
    table = Table(box=None, pad_edge=False)
    table.add_column("measured on Adult, ε 3, δ=1e-9")
    for name in ("error", "AUC", "fit"):
        table.add_column(name, justify="right")
    for row in result.on_adult:
        table.add_row(row.what, plain(row.error), plain(row.auc), f"{plain(row.seconds)} s")
    return [table, *_verdict(result.on_adult)]


def _verdict(rows: tuple[OnAdult, ...]) -> Iterator[Text]:
    """Which synthesizers that measure tables beat both networks, and in what."""
    networks = [row for row in rows if row.trains]
    for row in rows:
        measures = (
            ("error", all(row.error < other.error for other in networks)),
            ("AUC", all(row.auc > other.auc for other in networks)),
        )
        better = [name for name, holds in measures if holds]
        if better and not row.trains:
            line = f"{row.what} beat both networks there, in {' and '.join(better)}, at the same ε"
            yield Text(line, style="bold")


def _budget(result: TrainingRecommendation) -> list[RenderableType]:
    if not result.scopes:
        return [Text(f"budget: {result.budget_note}")]
    fits = []
    if result.fits is not None:
        fits = [Text(f"what fits: ε {plain(result.fits)}", style="bold")]
    return [
        budget_table(result.scopes, short(result.scopes_delta)),
        *fits,
        Text(f"{result.budget_note}; purpose and recipient as in the manifest below", style="dim"),
    ]
