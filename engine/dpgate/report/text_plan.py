"""A plan as text: what an approver reads first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from dpgate.gate.results import (
    AUTHOR,
    MarginalNoise,
    NoiseRow,
    PlanResult,
    PlansResult,
    QueryNoise,
    ScopeRow,
)
from dpgate.gate.second_table import SecondTable
from dpgate.model.values import counted, plain, plus_bits, short
from dpgate.report.plan_evidence import evidence_lines
from dpgate.report.plan_training import training_lines
from dpgate.report.words import bar, findings, left, next_line, shown, tick, waivers


def plan(result: PlanResult) -> RenderableType:
    """The whole plan."""
    parts: list[RenderableType] = [_head(result), Text("")]
    if result.scopes:
        parts += [budget_table(result.scopes, short(result.delta)), Text("")]
        parts += _claims(result)
        parts.append(Text(""))
    if result.findings:
        parts += [Text("findings", style="bold"), *findings(result.findings)]
    parts += waivers(result.waivers)
    if result.verdict not in ("released", "withdrawn"):
        parts += _approvals(result)
    if result.policy_note:
        parts.append(Text(f"! {result.policy_note}", style="yellow"))
    return Group(*parts, *next_line(result.next))


def plans(result: PlansResult) -> RenderableType:
    """Each plan, then all of them together."""
    parts: list[RenderableType] = []
    for each in result.plans:
        parts += [plan(each), Text("")]
    if result.together:
        parts += [Text("all that are not denied, together", style="bold"), Text("")]
        parts += [budget_table(result.together, short(result.delta)), Text("")]
        if not all(row.fits for row in result.together):
            parts.append(Text(TOGETHER_TOO_MUCH, style="bold red"))
    return Group(*parts, _sum_of(result))


TOGETHER_TOO_MUCH = (
    "! each fits alone, and not all together: whichever is released last will be denied"
)


def _sum_of(result: PlansResult) -> Text:
    """How many plans end which way."""
    verdicts = Counter(each.verdict for each in result.plans)
    words = ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items()))
    head = counted(len(result.plans), "release")
    since = f" changed since {result.changed_since}" if result.changed_since else ""
    return Text.assemble(
        tick(ok=not result.exit_code), " ", (head, "bold"), since, f": {words}" if words else ""
    )


def _head(result: PlanResult) -> Text:
    words = {
        "ready": "ready to release",
        "waiting": f"not yet: {lacking(result)} missing",
        "denied": "denied",
        "released": f"released by entry {result.entry}",
        "withdrawn": f"released by entry {result.entry}, and called back since",
    }
    mark = tick(ok=result.verdict in ("ready", "released"))
    return Text.assemble((result.release, "bold"), "   ", mark, " ", words[result.verdict])


def budget_table(rows: tuple[ScopeRow, ...], delta: str, *, spent_only: bool = False) -> Table:
    """Budgets; `spent_only` leaves out what a release would add."""
    table = Table(box=None, pad_edge=False)
    table.add_column(f"budget (ε at δ={delta})", no_wrap=True)
    names = (
        ("spent", "limit", "remaining")
        if spent_only
        else ("before", "this", "after", "limit", "remaining")
    )
    for name in names:
        table.add_column(name, justify="right")
    table.add_column("")
    for row, branch in tree(rows):
        numbers = [] if spent_only else [shown(row.before), "+" + shown(row.this)]
        numbers += [shown(row.after), plain(row.limit), left(row.remaining)]
        style = "" if row.fits else "bold red"
        table.add_row(branch + row.title, *numbers, bar(row.after, row.limit), style=style)
    return table


def tree(rows: tuple[ScopeRow, ...]) -> Iterator[tuple[ScopeRow, str]]:
    """Rows by population, the lifetime first, each with the branch that leads to it."""
    for population in dict.fromkeys(row.key.partition("/")[0] for row in rows):
        own = [row for row in rows if row.key.startswith(f"{population}/")]
        lifetime = f"{population}/all=*/lifetime"
        quotas = [row for row in own if row.key != lifetime]
        yield from ((row, "") for row in own if row.key == lifetime)
        yield from ((row, "├ ") for row in quotas[:-1])
        yield from ((row, "└ ") for row in quotas[-1:])


def _claims(result: PlanResult) -> list[Text]:
    relation = result.relation.replace("-", "/")
    filtered = f"the policy's {len(result.orders)} orders"
    bits = plus_bits(result.unprotected_bits)
    # Steps of DP-SGD have no ρ that OpenDP could convert.
    best = "that of the best Rényi order" if result.training else "OpenDP's"
    lines = [
        Text(
            f"this release alone: ε {shown(result.epsilon)}{bits} at δ={short(result.release_delta)} "
            f"({relation}, one {result.unit}); ε {shown(result.row_epsilon)}{bits} at the policy's δ "
            f"by {filtered}"
        ),
        Text(
            f"one loss, two figures: {best} at the release's own δ, and what {filtered} certify at the policy's, "
            "which budgets count: a few orders overstate a small release, and many together hardly",
            style="dim",
        ),
        Text(
            '"this" is what the composition grows by, so later releases add less than their ε alone',
            style="dim",
        ),
    ]
    if result.claimed_epsilon is not None:
        lines.append(
            Text(
                f"the synthesizer itself would claim ε {shown(result.claimed_epsilon)} for this; "
                f"it really costs {shown(result.epsilon)}",
                style="yellow",
            )
        )
    lines += _series(result)
    lines += _persons(result)
    lines += _noise(result)
    lines += _marginals(result)
    lines += map(Text, training_lines(result))
    return [*lines, *map(Text, evidence_lines(result))]


def _series(result: PlanResult) -> list[Text]:
    """What came before an increment, and what all of it costs the same people."""
    if result.series is None:
        return []
    lines = [Text(f"period {result.series.period} of a series; the same people may be in all:")]
    for row in result.series.rows:
        tries = f", {row.attempts} attempts, all spent" if row.attempts > 1 else ""
        period = f" ({row.period})" if row.period else ""
        lines.append(Text(f"  {row.release}{period}: ε {shown(row.epsilon)} alone{tries}"))
    together = (
        f"with this one ε {shown(result.series.epsilon)} at δ={short(result.delta)}, composed"
    )
    return [*lines, Text(f"  {together}")]


def _persons(result: PlanResult) -> list[Text]:
    """How a person with several rows fares."""
    rows = f"{result.rows_per_person} {result.row}s a person"
    if result.joined is not None:
        return _tables(result, result.joined)
    if result.truncated:
        return [Text(f"persons are protected: at most {rows} are read, chosen at random")]
    if result.rows_per_person == 1:
        return []
    if result.unit != result.row:
        return [Text(f"persons are protected, if the dataset is right that there are {rows}")]
    return [
        Text(
            f"person-level ({rows}), if asked: this release "
            f"ε {shown(result.person_epsilon)}{plus_bits(result.unprotected_bits)} instead of "
            f"{shown(result.row_epsilon)}"
        )
    ]


def _tables(result: PlanResult, joined: SecondTable) -> list[Text]:
    """What of a person is read in each of two tables, and what the second one depends on."""
    given = ", ".join(joined.context) or "nothing"
    share = f"{plain(joined.share * 100)} % of the ρ"
    return [
        Text(
            f"persons are protected: one {result.row} and at most {joined.rows_per_person} {joined.row}s "
            "of each are read, chosen at random"
        ),
        Text(f"two tables: {joined.table} takes {share}, and depends on {given} of the person"),
    ]


def _noise(result: PlanResult) -> list[Text]:
    """How far noise alone reaches: by order of marginals, or by query."""
    lines = []
    marginals = [row for row in result.noise if isinstance(row, NoiseRow)]
    kinds = {1: "one-way", 2: "two-way"}
    for table in dict.fromkeys(row.table for row in marginals):
        widths = ", ".join(
            f"{kinds.get(n.order, f'{n.order}-way')} ±{plain(n.half_width)}"
            for n in marginals
            if n.table == table
        )
        unit = _unit(result, table)
        lines.append(
            Text(f"noise per cell, in {unit}s (95 %): {widths}. Model error is not included.")
        )
    queries = [row for row in result.noise if isinstance(row, QueryNoise)]
    if queries:
        lines.append(Text("noise of each number (95 %, one at a time):"))
        width = max(len(row.query) for row in queries)
        lines += [
            Text(f"  {row.query:<{width}}  {row.what} ±{plain(row.half_width)} {row.unit}")
            for row in queries
        ]
    return lines


def _unit(result: PlanResult, table: str | None) -> str:
    """What one row of a table is."""
    joined = result.joined
    return joined.row if joined is not None and table == joined.table else result.row


def _marginals(result: PlanResult) -> list[Text]:
    """Noise of marginals, table by table."""
    lines = []
    for table in dict.fromkeys(row.table for row in result.marginals):
        unit, rows = _unit(result, table), result.rows_at_most
        if result.joined is not None and table == result.joined.table:
            rows *= result.joined.rows_per_person
        own = tuple(row for row in result.marginals if row.table == table)
        lines += marginal_lines(own, rows, unit)
    return lines


def marginal_lines(marginals: tuple[MarginalNoise, ...], rows: int, unit: str) -> list[Text]:
    """For each order the marginals with the least and with the most noise, and those named.

    Args:
        marginals: as planned.
        rows: what their distances are relative to.
        unit: what one row is.
    """
    if not marginals:
        return []
    lines = [
        Text(
            f"noise of a whole marginal, if it is measured: the share of {rows} {unit}s (with fewer "
            "it is more) that it puts in a wrong cell, expected and at 95 %"
        )
    ]
    for row in marginals_shown(marginals):
        name = " × ".join(row.columns)
        lines.append(Text(f"  {name} ({row.cells} cells): {plain(row.tvd)}, {plain(row.tvd_95)}"))
    return lines


def marginals_shown(marginals: tuple[MarginalNoise, ...]) -> list[MarginalNoise]:
    """Of each order the marginals with the fewest and the most cells, and some that are named."""
    chosen = []
    for order in sorted({len(m.columns) for m in marginals}):
        found = sorted((m for m in marginals if len(m.columns) == order), key=lambda m: m.cells)
        listed = [m for m in found if m in (found[0], found[-1]) or m.named]
        chosen += listed[:_LISTED]
    return chosen


_LISTED = 12
"""Marginals of an order that text lists; JSON has all."""


def lacking(result: PlanResult) -> str:
    """Signatures that are missing: the author's, then approvals by role."""
    short_of = [row for row in result.approvals if row.have < row.needed]
    approvals = [f"{row.needed - row.have} {row.role}" for row in short_of if row.role != AUTHOR]
    author = ["the author's signature"] if len(approvals) < len(short_of) else []
    return ", ".join(author + ([f"{', '.join(approvals)} approval"] if approvals else []))


def _approvals(result: PlanResult) -> list[Text]:
    parts = []
    for row in result.approvals:
        mark = "✓" if row.have >= row.needed else "✗"
        until = f", until {row.until}" if row.until else ""
        left = f" ({counted(row.days_left, 'day')} left)" if row.days_left is not None else ""
        parts.append(f"{row.role} {mark} {row.have} of {row.needed}{until}{left}")
    lines = [Text.assemble(("approvals  ", "bold"), "   ".join(parts))] if parts else []
    lines += [
        Text(f"  and, asked by the release job: {rule.words}", style="dim")
        for rule in result.reviews
    ]
    lines += [
        Text(f"  ! {item.path} does not count: {item.reason}", style="yellow")
        for item in result.rejected
    ]
    return lines
