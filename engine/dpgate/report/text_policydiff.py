"""Text report of what two policies differ in."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from dpgate.gate.policy_results import PolicyDiffResult, ReleaseChange
from dpgate.model.values import counted
from dpgate.report.words import findings, notes, tick


def policy_diff(result: PolicyDiffResult) -> RenderableType:
    """What changes in words, then each release whose verdict changes, with the findings."""
    head = Text.assemble((f"{result.before} → {result.after}", "bold"))
    if not result.changes:
        head.append("   they say the same")
    lines: list[RenderableType] = [head, *(Text(f"  {change}") for change in result.changes)]
    for change in result.releases:
        lines += [Text(""), *_release(change)]
    count = len(result.releases)
    last = f"{count or 'none'} of {counted(result.judged, 'release')} would be judged otherwise"
    return Group(*lines, Text(""), *notes(result.notes), Text(last, style="bold"))


def _release(change: ReleaseChange) -> Iterator[Text]:
    comes = change.after == "denied"
    words = f"{change.before} → {change.after}"
    if change.made is not None:
        words += f"; released by entry {change.made}, " + (
            "would be denied under this policy" if comes else "was not allowed under the other"
        )
    yield Text.assemble(tick(ok=not comes), f" {change.release}   ", (words, "bold"))
    if not comes:
        yield Text("  what no longer denies it:", style="dim")
    for line in findings(change.findings):
        yield Text.assemble("  ", line)
