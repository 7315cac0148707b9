"""Text for a terminal: tables and bars; plain when piped."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from typing import Any, TextIO

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from dpgate.errors import DpgateError
from dpgate.gate import results as r
from dpgate.gate.compare_results import CompareResult
from dpgate.gate.evidence_rows import EvidenceOpenResult
from dpgate.gate.ledger_results import (
    CheckpointResult,
    ExplainResult,
    LedgerResult,
    LogResult,
    RecoverResult,
    WhatIfResult,
)
from dpgate.gate.policy_results import PolicyDiffResult, RuleResult, RulesResult
from dpgate.gate.policytest.result import PolicyTestResult
from dpgate.gate.recommendation import RecommendResult, TrainingRecommendation
from dpgate.gate.rehearsal import RehearsalResult
from dpgate.gate.signing_results import AuthorResult, RefuseResult
from dpgate.gate.waiver_results import WaiveResult
from dpgate.model.values import Frozen, counted
from dpgate.report import (
    text_compare,
    text_evidence,
    text_ledger,
    text_plan,
    text_policydiff,
    text_policyexplain,
    text_policytest,
    text_recommend,
    text_recommend_training,
    text_rehearsal,
)
from dpgate.report.words import (
    claimed,
    findings,
    inert,
    next_line,
    notes,
    result_name,
    rounded_up,
    tick,
    waivers,
)

_PIPED_WIDTH = 160


class TextReporter:
    """Colour and width follow the terminal; a pipe gets plain text."""

    shows = None

    def result(self, result: Frozen, out: TextIO) -> None:
        """Write what a verb returned."""
        _print(out, _RENDER[type(result)](result))

    def error(self, error: DpgateError, out: TextIO, verb: str = "") -> None:  # noqa: ARG002 - the same of all
        """Write why a verb could not do its work."""
        lines = [Text.assemble(("error: ", "bold red"), error.message)]
        for problem in error.problems:
            place = f"{problem.place}: " if problem.place else ""
            lines.append(Text(f"  {place}{problem.message}"))
            if problem.fix:
                lines.append(Text(f"      fix: {problem.fix}", style="cyan"))
        if error.fix:
            lines.append(Text(f"  fix: {error.fix}", style="cyan"))
        _print(out, Group(*lines))


def _print(out: TextIO, body: RenderableType) -> None:
    if out.isatty():
        Console(file=out, highlight=False, markup=False, emoji=False).print(body)
        return
    page = StringIO()
    plain = Console(
        file=page, width=_PIPED_WIDTH, highlight=False, markup=False, emoji=False, soft_wrap=True
    )
    plain.print(body)
    out.write("".join(f"{inert(line).rstrip()}\n" for line in page.getvalue().splitlines()))


def _check(result: r.CheckResult) -> RenderableType:
    count = len(result.releases)
    head = f"{count} manifest{'s' * (count != 1)} of {result.documents} documents checked"
    told = f"allowed by the rules{claimed(result.waivers)}"
    verdict = (told, "green") if result.allowed else ("denied", "bold red")
    line = Text.assemble(tick(ok=result.allowed), " ", verdict, f": {head}")
    after = ""
    if result.allowed and count:
        what = "budgets and approvals"
        if result.later:
            what = f"budgets, approvals and {counted(len(result.later), 'rule')} about the ledger"
        which = result.releases[0] if count == 1 else "--all"
        after = f"{what} are judged by: dpgate plan {which}"
    trainings = [Text(f"training of {told}") for told in result.trainings]
    return Group(
        *findings(result.findings), *waivers(result.waivers), *trainings, line, *next_line(after)
    )


def _approve(result: r.ApproveResult) -> RenderableType:
    until = (
        ""
        if result.expires == "never"
        else f", until {result.expires}, for {counted(result.attempts, 'attempt')}"
    )
    back = f"; it takes back {counted(result.lifts, 'refusal')} by this key" if result.lifts else ""
    return Group(
        Text.assemble(tick(ok=True), f" {result.role} approves {result.subject}{until}{back}"),
        Text(f"  {result.path}   (key {result.key})"),
        *waivers(result.waivers),
        *next_line(result.next),
    )


def _waive(result: WaiveResult) -> RenderableType:
    head = f" {result.role} waives rule {result.rule} for {result.release}, until {result.expires}"
    state = "in force" if result.in_force else f"not in force yet: {', '.join(result.lacking)}"
    return Group(
        Text.assemble(tick(ok=True), head),
        Text(f"  waiver {result.waiver} (ticket {result.ticket}): {state}"),
        Text(f"  {result.path}   (key {result.key})"),
        *next_line(result.next),
    )


def _refuse(result: RefuseResult) -> RenderableType:
    return Group(
        Text.assemble(tick(ok=True), f" {result.role} refuses {result.subject}: {result.reason}"),
        Text(f"  {result.path}   (key {result.key})"),
        *next_line(result.next),
    )


def _author(result: AuthorResult) -> RenderableType:
    return Group(
        Text.assemble(tick(ok=True), f" {result.role} signs as the author of {result.subject}"),
        Text(f"  {result.path}   (key {result.key})"),
        *next_line(result.next),
    )


def _release(result: r.ReleaseResult) -> RenderableType:
    lines: list[RenderableType] = []
    if result.plan is not None:
        lines.append(text_plan.plan(result.plan))
    ok = result.outcome in ("released", "already-released")
    words = {
        "released": "released",
        "already-released": "released already; nothing was spent",
        "gate-failed": "the gate failed: nothing is released, and the attempt is spent",
        "denied": "denied: nothing was spent, the data was not opened",
    }
    numbers = [
        f"entry {n} {what}"
        for what, n in (("reserves", result.reserve), ("settles", result.settle))
        if n
    ]
    tail = f"  ({', '.join(numbers)})" if numbers else ""
    lines.append(
        Text.assemble(tick(ok=ok), f" {result.release}: ", (words[result.outcome], "bold"), tail)
    )
    lines += [Text(f"  ✗ {failure}", style="red") for failure in result.failures]
    if result.evidence:
        lines.append(_evidence(result.evidence))
    if result.folder:
        lines.append(Text(f"  files in {result.folder}", overflow="fold"))
    lines += _artifacts(result.artifacts)
    return Group(*lines, *notes(result.notes), *next_line(result.next))


def _artifacts(artifacts: tuple[dict[str, str], ...]) -> list[Text]:
    width = max((len(a["name"]) for a in artifacts), default=0)
    return [Text(f"    {a['name']:<{width}}  {a['sha256']}", style="dim") for a in artifacts]


def _evidence(evidence: tuple[dict[str, Any], ...]) -> RenderableType:
    table = Table(
        box=None, pad_edge=False, title="evidence", title_justify="left", title_style="bold"
    )
    for name in ("metric", "discloses", "value", "95 % interval"):
        table.add_column(name, justify="right" if name[0] in "v9" else "left")
    for item in evidence:
        metric = result_name(item)
        kind = item["disclosure"]
        if kind == "restricted":
            bit = {True: "met, one bit", False: "missed, one bit", None: ""}[item.get("passed")]
            table.add_row(metric, "restricted", "sealed", bit)
        else:
            interval = (
                f"{rounded_up(item['low'], 4)} … {rounded_up(item['high'], 4)}"
                if "low" in item
                else ""
            )
            label = "dp, charged" if kind == "dp" else kind
            table.add_row(metric, label, rounded_up(item["value"], 4), interval)
    return Padding(table, (0, 0, 0, 2))


def _sample(result: r.SampleResult) -> RenderableType:
    head = f" {result.release}: {result.rows:,} rows drawn again from its kept model"
    tail = f"  (entry {result.entry} records; entry {result.settle} released the model)"
    lines = [Text.assemble(tick(ok=True), (head, "bold"), tail)]
    if result.where:
        lines.append(Text(f"  every row satisfies {' and '.join(result.where)}"))
    if result.balance:
        lines.append(Text(f"  balanced over {result.balance}"))
    if not result.representative:
        lines.append(Text("  ! they do not represent the population", style="yellow"))
    lines.append(Text(f"  files in {result.folder}", overflow="fold"))
    lines += _artifacts(result.artifacts)
    return Group(*lines, *next_line(result.next))


def _verify(result: r.VerifyResult) -> RenderableType:
    lines: list[RenderableType] = []
    for step in result.steps:
        mark = {"pass": ("✓", "green"), "fail": ("✗", "bold red"), "skip": ("–", "dim")}[
            step.status
        ]
        where = f"{step.file}: " if step.file else ""
        style = "dim" if step.status == "skip" else ""
        lines.append(
            Text.assemble(
                f"{step.number:>3} {step.name:<13}", mark, " ", (where + step.detail, style)
            )
        )
    if result.verified:
        count = len(result.releases)
        head = f"verified: {count} release{'s' * (count != 1)}, {result.entries} entries, nothing spent is missing"
    elif result.exit_code == 4:
        head = f"self-consistent, not authenticated: the genesis is {result.root}"
    else:
        head = "NOT verified"
    lines.append(Text.assemble(tick(ok=result.verified), " ", (head, "bold")))
    return Group(*lines, *next_line(result.next))


def _adopt(result: r.AdoptResult) -> RenderableType:
    how = "in force already, adopted" if result.already else "adopted"
    return Group(
        Text.assemble(tick(ok=True), f" policy {result.policy_set} {how} by entry {result.entry}"),
        Text(f"  root {result.root}"),
        *notes(result.notes),
        *next_line(result.next),
    )


def _pending(result: r.PendingResult) -> RenderableType:
    if not result.changes:
        return Text("the policy in force says the same")
    head = (
        "adopting this policy starts the ledger" if result.first else "adopting this policy changes"
    )
    return Group(Text(head, style="bold"), *(Text(f"  {change}") for change in result.changes))


def _recover(result: RecoverResult) -> RenderableType:
    staged = (
        "staged files were deleted" if result.deleted_staging else "no staged files on this machine"
    )
    return Group(
        Text.assemble(
            tick(ok=True),
            f" {result.release}: entry {result.settle} closes reservation {result.reserve} as abandoned",
        ),
        Text(f"  {staged}"),
        *next_line(result.next),
    )


def _checkpoint(result: CheckpointResult) -> RenderableType:
    where = f" in {result.path}" if result.path else ""
    return Group(
        Text.assemble(tick(ok=True), f" checkpoint of entry {result.entry}{where}"),
        Text(""),
        Text(result.note.rstrip()),
        Text(""),
        *next_line(result.next),
    )


def _withdraw(result: r.WithdrawResult) -> RenderableType:
    head = f" {result.release}: withdrawn by entry {result.entry}; its cost stays spent"
    return Group(Text.assemble(tick(ok=True), head), *next_line(result.next))


def _files(result: r.FilesResult) -> RenderableType:
    return Group(
        Text.assemble(tick(ok=True), f" {result.title}"),
        *(Text(f"  {line}") for line in result.lines),
        *next_line(result.next),
    )


_RENDER: dict[type[Any], Callable[[Any], RenderableType]] = {
    r.CheckResult: _check,
    CompareResult: text_compare.compare,
    r.PlanResult: text_plan.plan,
    r.PlansResult: text_plan.plans,
    r.ApproveResult: _approve,
    RefuseResult: _refuse,
    AuthorResult: _author,
    WaiveResult: _waive,
    r.ReleaseResult: _release,
    r.SampleResult: _sample,
    r.VerifyResult: _verify,
    LedgerResult: text_ledger.ledger,
    r.AdoptResult: _adopt,
    RecoverResult: _recover,
    r.PendingResult: _pending,
    r.FilesResult: _files,
    CheckpointResult: _checkpoint,
    r.WithdrawResult: _withdraw,
    LogResult: text_ledger.log,
    ExplainResult: text_ledger.explain,
    WhatIfResult: text_ledger.what_if,
    PolicyDiffResult: text_policydiff.policy_diff,
    RuleResult: text_policyexplain.rule,
    RulesResult: text_policyexplain.rules,
    PolicyTestResult: text_policytest.policy_test,
    RecommendResult: text_recommend.recommend,
    TrainingRecommendation: text_recommend_training.recommend_training,
    EvidenceOpenResult: text_evidence.opened,
    RehearsalResult: text_rehearsal.rehearsal,
}
