"""A recommendation as text: the reasoning from top to bottom, then the manifest."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from dpgate.gate.recommendation import RecommendResult
from dpgate.model.values import plain, short
from dpgate.report.text_plan import budget_table, marginal_lines
from dpgate.report.words import findings, next_line, tick

_KINDS = {1: "one-way", 2: "two-way", 3: "three-way"}


def recommend(result: RecommendResult) -> RenderableType:
    """The whole recommendation."""
    parts: list[RenderableType] = [_head(result), Text("")]
    parts += _goal(result)
    parts += [Text(""), _columns(result), *_bins(result), Text("")]
    parts += _candidates(result)
    if result.epsilon is not None:
        parts += [Text(""), *_noise(result), Text("")]
        parts += _budget(result)
        parts += [*findings(result.findings), Text("")]
        parts += [Text("manifest", style="bold"), Text(result.manifest.rstrip()), Text("")]
    return Group(*parts, *next_line(result.next))


def _head(result: RecommendResult) -> Text:
    mark = tick(ok=result.allowed)
    if result.epsilon is None:
        words = "no synthesizer meets the goal"
    else:
        words = f"{result.synthesizer} at ε {plain(result.epsilon)}, δ={short(result.delta)}"
        words += "" if result.allowed else ": rules or budgets deny it"
    return Text.assemble((result.dataset, "bold"), "   ", mark, " ", (words, "bold"))


def _goal(result: RecommendResult) -> list[Text]:
    kind = _KINDS[result.order]
    count = len(result.columns)
    tables = count if result.order == 1 else count * (count - 1) // 2
    what = {
        "tvd": f"noise moves an average {kind} marginal by {plain(result.at_most)} of the rows or less",
        "noise": f"95 % noise of an average {kind} cell is {plain(result.at_most)} of its count or less",
    }[result.goal]
    bound = "the public bound" if result.rows == result.rows_at_most else "as assumed"
    return [
        Text(f"goal: {what}; {tables} such marginals, {result.rows} {result.unit}s ({bound})"),
        Text(
            "noise of measured tables alone: what a model leaves out (model error) depends on the data and is in no "
            "figure here",
            style="dim",
        ),
        Text(
            "an upper figure where tables are wide and sparse, since models merge cells that drown in noise: Adult, "
            "14 columns, ε 1: 0.27 by this figure, 0.05 in the rows released",
            style="dim",
        ),
    ]


def _columns(result: RecommendResult) -> Table:
    table = Table(box=None, pad_edge=False)
    beside = "two-way " if result.order == 2 else ""
    for name, justify in (
        ("column", "left"),
        ("type", "left"),
        ("cells", "right"),
        (f"{result.unit}s in an average {beside}cell", "right"),
        ("", "left"),
    ):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    for row in result.columns:
        advice = f"bins: {row.bins} would hold more than noise" if row.bins else ""
        table.add_row(row.name, row.type, str(row.cells), plain(row.expected), advice)
    return table


def _bins(result: RecommendResult) -> list[Text]:
    if result.epsilon_with_bins is None:
        return []
    text = f"with these bins ε {plain(result.epsilon_with_bins)} would be enough"
    return [Text(text)]


def _candidates(result: RecommendResult) -> list[Text]:
    if not result.candidates:
        return [Text("the policy allows no installed synthesizer for all of these columns")]
    lines = [
        Text("ε that meets the goal, by synthesizer", style="bold"),
        Text(
            "by noise alone: at the same ε one that chooses its tables as it learns leaves out less",
            style="dim",
        ),
    ]
    for each in result.candidates:
        found = f"ε {plain(each.epsilon)}" if each.epsilon is not None else each.reason
        lines.append(Text(f"  {each.synthesizer}: {found}"))
        lines += [Text(f"    {measure}", style="dim") for measure in each.measures]
    return lines


def _noise(result: RecommendResult) -> list[Text]:
    name = "average distance" if result.goal == "tvd" else "noise of an average cell"
    widths = ", ".join(f"{_KINDS[n.order]} ±{plain(n.half_width)}" for n in result.noise)
    return [
        Text(f"at this ε: {name} {plain(result.reached)}; noise per cell (95 %): {widths}"),
        *marginal_lines(result.marginals, result.rows, result.unit),
    ]


def _budget(result: RecommendResult) -> list[RenderableType]:
    if not result.scopes:
        return [Text(f"budget: {result.budget_note}")]
    delta = short(result.scopes_delta)
    fits = []
    if result.fits is not None:
        name = "average distance" if result.goal == "tvd" else "noise of an average cell"
        reached = f": {name} {plain(result.fits_reached)}" if result.fits_reached else ""
        fits = [Text(f"what fits: ε {plain(result.fits)}{reached}", style="bold")]
    return [
        budget_table(result.scopes, delta),
        *fits,
        Text(f"{result.budget_note}; purpose and recipient as in the manifest below", style="dim"),
    ]
