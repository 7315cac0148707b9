"""Text reports of a policy's tests."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from dpgate.gate.policytest.result import CaseResult, PolicyTestResult
from dpgate.model.values import counted
from dpgate.report.words import tick


def policy_test(result: PolicyTestResult) -> RenderableType:
    """Each case; what differs, with places; and which rules lack a case."""
    lines: list[RenderableType] = []
    for file in result.files:
        title = f"  {file.title}" if file.title else ""
        lines.append(Text.assemble((file.file, "bold"), (title, "dim")))
        for case in file.cases:
            lines += _case(case)
        lines.append(Text(""))
    return Group(*lines, *_coverage(result), _last(result))


def _case(case: CaseResult) -> Iterator[Text]:
    place = "" if case.passed else f"   {case.file}:{case.line}:{case.column}"
    yield Text.assemble("  ", tick(ok=case.passed), f" {case.name}", (place, "dim"))
    if case.passed:
        return
    for text in case.missing:
        yield Text(f"      - expected {text}", style="green")
    unexpected = list(case.unexpected)
    for found in case.found:
        told = [text for text in unexpected if text.endswith(f": {found.message}")]
        if told and not found.expected:
            unexpected.remove(told[0])
            where = f"{found.file}:{found.line}:{found.column}" if found.line else found.file
            yield Text(f"      + found    {told[0]}", style="red")
            yield Text(f"        {where}   fix: {found.fix}", style="cyan")
        elif found.expected or not case.unexpected:
            yield Text(f"      = found    [{found.rule}] at {found.at}: {found.message}", "dim")
    yield from (Text(f"      + found    {text}", style="red") for text in unexpected)


def _coverage(result: PolicyTestResult) -> Iterator[Text]:
    written = [rule for rule in result.rules if rule.origin != "built-in"]
    own = [rule for rule in result.rules if rule.origin == "built-in"]
    parts = []
    if written:
        parts.append(f"{sum(r.tested for r in written)} of {len(written)} of your rules")
    parts.append(f"{sum(r.tested for r in own)} of {len(own)} built-in ones about releases")
    yield Text(f"rules that a case shows to hold, and another to fail: {', '.join(parts)}")
    for rule in result.untested:
        style = "red" if result.required else "yellow"
        yield Text.assemble(
            ("  ✗ " if result.required else "  ! ", style),
            f"{rule.rule}: {rule.lacks}",
            (f"   {rule.place}", "dim"),
        )


def _last(result: PolicyTestResult) -> Text:
    failed = sum(not case.passed for case in result.cases)
    head = f" {counted(len(result.cases), 'case')}"
    head += f", {failed} failed" if failed else " passed"
    if result.required and result.untested:
        head += f"; {counted(len(result.untested), 'rule')} not tested"
    return Text.assemble(tick(ok=result.passed), (head, "bold"))
