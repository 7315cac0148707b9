"""Plans in Markdown: what changes in every budget, what stands against it, and what comes next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal

from dpgate.gate.results import (
    ApprovalRow,
    MarginalNoise,
    NoiseRow,
    PlanResult,
    PlansResult,
    QueryNoise,
    ScopeRow,
)
from dpgate.model.values import counted, plain, plus_bits, short
from dpgate.report.markdown_parts import findings, folded, notes, rules, waivers
from dpgate.report.markdown_text import Links, code, prose
from dpgate.report.page import Page
from dpgate.report.plan_evidence import evidence_lines
from dpgate.report.plan_training import training_lines
from dpgate.report.text_plan import TOGETHER_TOO_MUCH, lacking, marginals_shown, tree
from dpgate.report.words import left, shown

_MARKS = {"ready": "✅", "waiting": "⏳", "denied": "❌", "released": "☑️", "withdrawn": "↩️"}
_BAR = 16


def headline(result: PlanResult) -> str:
    """The verdict of one plan."""
    return f"{_MARKS[result.verdict]} {code(result.release)}: {_verdict(result)}"


def _verdict(result: PlanResult) -> str:
    if result.verdict == "waiting":
        return f"not yet, {prose(lacking(result))} missing"
    if result.verdict == "denied":
        count = sum(finding.level == "deny" for finding in result.findings)
        return (
            f"denied by {counted(count, 'finding')}" if count else "denied while an attempt is open"
        )
    by = f"by entry {result.entry}"
    words = {"ready": "ready to release", "released": f"released {by}"}
    return words.get(result.verdict, f"released {by}, and called back since")


def headline_of_all(result: PlansResult) -> str:
    """How many plans end which way."""
    count = counted(len(result.plans), "release")
    verdicts = Counter(plan.verdict for plan in result.plans)
    words = ", ".join(f"{number} {verdict}" for verdict, number in verdicts.items())
    worst = next((v for v in ("denied", "withdrawn", "waiting") if verdicts[v]), "ready")
    return f"{_MARKS[worst]} dpgate plan: {count}{': ' if words else ''}{words}"


def all_bodies(page: Page, result: PlansResult, links: Links) -> None:
    """A line for each plan, all of them together, then each in full."""
    if result.changed_since:
        count = "no manifest" if not result.plans else counted(len(result.plans), "manifest")
        since = code(result.changed_since)
        page.add(f"\n{count} changed since {since}.\n", 0, "sentence")
    if not result.plans:
        return
    head = "\n| | release | | adds (ε) | tightest budget after it |\n|---|---|---|--:|---|\n"
    page.table(head, (_line(plan) for plan in result.plans), 0, "release")
    if result.together:
        page.add("\n**All that are not denied, together**\n", 1, "sentence")
        budget(page, result.together, result.delta, 1)
        if not all(row.fits for row in result.together):
            notes(page, (TOGETHER_TOO_MUCH.removeprefix("! "),))
    for plan in result.plans:
        page.add(f"\n---\n#### {headline(plan)}\n", 1, "heading")
        body(page, plan, links, rules_too=False)


def _line(plan: PlanResult) -> str:
    adds = f"+{shown(plan.scopes[0].this)}" if plan.scopes else ""
    tight = max(plan.scopes, key=_spent, default=None)
    room = ""
    if tight is not None:
        room = f"{prose(tight.title)}: {left(tight.remaining)} of {plain(tight.limit)} left"
    return (
        f"| {_MARKS[plan.verdict]} | {code(plan.release)} | {_verdict(plan)} | {adds} | {room} |\n"
    )


def _spent(row: ScopeRow) -> Decimal:
    return row.after / row.limit if row.limit else Decimal(1)


def body(page: Page, result: PlanResult, links: Links, *, rules_too: bool) -> None:
    """Findings, budgets, approvals; then what is folded away."""
    notes(page, (result.policy_note,) if result.policy_note else ())
    findings(page, result.findings, links)
    budget(page, result.scopes, result.delta, 2)
    waivers(page, result.waivers)
    _approvals(page, result)
    next_step(page, result.next)
    cost = "".join(f"- {line}\n" for line in _cost(result))
    if result.scopes:
        page.add(folded("What it costs, exactly", cost), 4, "section")
    _noise(page, result)
    if rules_too:
        rules(page, result.rules, result.findings)


def budget(page: Page, rows: tuple[ScopeRow, ...], delta: Decimal, rank: int) -> None:
    """Every budget before and after, with what this release adds to it."""
    if not rows:
        return
    head = (
        f"\n| budget (ε at δ={short(delta)}) | before | this | after | limit | remaining | |\n"
        "|:--|--:|--:|--:|--:|--:|:--|\n"
    )
    page.table(head, (_row(row, branch) for row, branch in tree(rows)), rank, "budget")
    page.add(
        "\n<sub>█ spent before · ▓ this · ░ left. The composition grows by “this”: "
        "less than the release's own ε.</sub>\n",
        rank,
        "legend",
    )


def _row(row: ScopeRow, branch: str) -> str:
    title = f"{branch}{prose(row.title)}" if branch else f"**{prose(row.title)}**"
    after = shown(row.after) if row.fits else f"**{shown(row.after)}**"
    over = "" if row.fits else " ❌ over the limit"
    return (
        f"| {title} | {shown(row.before)} | **+{shown(row.this)}** | {after} | {plain(row.limit)} | "
        f"{left(row.remaining)} | `{bar(row)}`{over} |\n"
    )


def bar(row: ScopeRow, width: int = _BAR) -> str:
    """Spent before, this release and what is left; what a release adds is never too small to see."""
    if not row.limit:
        return "▓" * width
    before = _cells(row.before / row.limit, width)
    after = _cells(row.after / row.limit, width)
    if row.this and after == before:
        before = max(before - 1, 0)
        after = max(after, before + 1)
    return "█" * before + "▓" * (after - before) + "░" * (width - after)


def _cells(part: Decimal, width: int) -> int:
    return int((min(Decimal(1), part) * width).to_integral_value(rounding="ROUND_CEILING"))


def _approvals(page: Page, result: PlanResult) -> None:
    if result.verdict in ("released", "withdrawn"):
        return
    if result.approvals:
        parts = " · ".join(map(_approval, result.approvals))
        page.add(f"\n**Approvals:** {parts}\n", 2, "sentence")
    for rule in result.reviews:
        page.add(f"\nAsked by the release job as well: {prose(rule.words)}\n", 2, "sentence")
    for item in result.rejected:
        page.add(f"- ⚠️ {code(item.path)} does not count: {prose(item.reason)}\n", 3, "approval")


def _approval(row: ApprovalRow) -> str:
    mark = "✅" if row.have >= row.needed else "⏳"
    until = f", until {row.until}" if row.until else ""
    left_over = f" ({counted(row.days_left, 'day')} left)" if row.days_left is not None else ""
    return f"{prose(row.role)} {mark} {row.have} of {row.needed}{until}{left_over}"


def next_step(page: Page, text: str) -> None:
    """What to do next, if anything."""
    words, command, rest = text.partition("dpgate ")
    if text:
        shown_as = prose(words) + (code(command + rest) if command else "")
        page.add(f"\n**Next:** {shown_as}\n", 2, "sentence")


def _cost(result: PlanResult) -> Iterator[str]:
    relation, bits = result.relation.replace("-", "/"), plus_bits(result.unprotected_bits)
    yield (
        f"this release alone: ε {shown(result.epsilon)}{bits} at δ={short(result.release_delta)} "
        f"({relation}, one {prose(result.unit)}); ε {shown(result.row_epsilon)}{bits} at the policy's δ "
        f"by its {counted(len(result.orders), 'order')}"
    )
    if result.claimed_epsilon is not None:
        yield f"⚠️ the synthesizer itself would claim ε {shown(result.claimed_epsilon)}"
    if result.rows_per_person > 1:
        yield (
            f"a person with {result.rows_per_person} rows ({prose(result.row)}): "
            f"ε {shown(result.person_epsilon)}{bits}"
        )
    yield from map(prose, evidence_lines(result))
    if result.attempts:
        yield f"{counted(result.attempts, 'attempt')} before, spent and counted above"
    if result.series is not None:
        yield (
            f"period {prose(result.series.period)} of a series; with the "
            f"{counted(len(result.series.rows), 'release')} before it ε {shown(result.series.epsilon)}, composed"
        )
        for row in result.series.rows:
            yield f"{code(row.release)}: ε {shown(row.epsilon)} alone, {counted(row.attempts, 'attempt')}"


def _noise(page: Page, result: PlanResult) -> None:
    lines = [*_cells_noise(result), *_queries(result.noise), *_marginals(result)]
    lines += [f"\n{prose(line[:1].upper() + line[1:])}\n" for line in training_lines(result)]
    if lines:
        page.add(folded("How much noise", "".join(lines)), 4, "section")


def _cells_noise(result: PlanResult) -> Iterator[str]:
    rows = [row for row in result.noise if isinstance(row, NoiseRow)]
    if rows:
        widths = ", ".join(f"{row.order}-way ±{plain(row.half_width)}" for row in rows)
        unit = prose(result.row)
        yield f"Per cell, in {unit}s (95 %): {widths}. Model error is not included.\n"


def _queries(noise: Iterable[NoiseRow | QueryNoise]) -> Iterator[str]:
    rows = [row for row in noise if isinstance(row, QueryNoise)]
    if rows:
        yield "\n| query | number | 95 %, one at a time |\n|---|---|--:|\n"
        for row in rows:
            width = f"±{plain(row.half_width)} {prose(row.unit)}"
            yield f"| {code(row.query)} | {prose(row.what)} | {width} |\n"


def _marginals(result: PlanResult) -> Iterator[str]:
    rows: list[MarginalNoise] = marginals_shown(result.marginals)
    if rows:
        yield (
            f"\n| marginal, if it is measured | cells | share of {result.rows_at_most} rows in a wrong cell | "
            "at 95 % |\n|---|--:|--:|--:|\n"
        )
        for row in rows:
            name = " × ".join(map(code, row.columns))
            yield f"| {name} | {row.cells} | {plain(row.tvd)} | {plain(row.tvd_95)} |\n"
