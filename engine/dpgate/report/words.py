"""Small pieces that text reports share: marks, bars, rounded numbers, findings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from rich.text import Text

from dpgate.accounting.rounding import down, up
from dpgate.gate.waiver_results import WaiverRow
from dpgate.model.finding import Finding
from dpgate.model.values import counted, plain


def tick(*, ok: bool) -> tuple[str, str]:
    """A mark for good or bad."""
    return ("✓", "green") if ok else ("✗", "bold red")


def shown(value: Decimal, places: int = 2) -> str:
    """A cost: rounded up, so that it never looks smaller than it is."""
    return format(up(value, places), f".{places}f")


def left(value: Decimal, places: int = 2) -> str:
    """A remainder: rounded down."""
    return format(down(value, places), f".{places}f")


def rounded_up(value: str, places: int) -> str:
    """A recorded decimal, rounded up."""
    return plain(up(Decimal(value), places))


def measure_name(metric: str, about: str = "") -> str:
    """What was measured: `marginal tvd, order 2`, `mean, visits by plan`."""
    return metric.replace("_", " ") + (f", {about}" if about else "")


def result_name(item: Mapping[str, Any]) -> str:
    """What a recorded result is about."""
    order = f"order {item['order']}" if item.get("order") else ""
    parts = (order, item.get("about") or "", item.get("table") or "")
    return measure_name(item["metric"], ", ".join(part for part in parts if part))


def bar(after: Decimal, limit: Decimal, width: int = 22) -> str:
    """How much of a budget is spent, never shown as less than it is."""
    part = min(Decimal(1), after / limit) if limit else Decimal(1)
    filled = int((part * width).to_integral_value(rounding="ROUND_CEILING"))
    return "█" * filled + "░" * (width - filled)


def findings(items: Iterable[Finding]) -> Iterator[Text]:
    """One finding: place, message, rule, and the fix below."""
    for item in items:
        deny = item.level == "deny"
        yield Text.assemble(
            ("✗ " if deny else "! ", "bold red" if deny else "yellow"),
            f"{item.place}  {item.message}   ",
            (f"[{item.rule}]", "dim"),
        )
        yield Text(f"    fix: {item.fix}", style="cyan")


def waivers(rows: Iterable[WaiverRow]) -> Iterator[Text]:
    """Waivers: what each sets aside, by whose leave, until when, and whether it does."""
    for row in rows:
        good = row.state in ("in-force", "claimed")
        why = f": {row.why}" if row.why else ""
        yield Text.assemble(
            ("waiver  ", "bold"),
            f"{row.name}   rule {row.rule}, ticket {row.ticket}, until {row.expires}   ",
            (f"{row.state.replace('-', ' ')}{why}", "" if good else "yellow"),
        )
        yield Text(f"    {row.reason}", style="dim")


def claimed(rows: Iterable[WaiverRow]) -> str:
    """What a verdict of `check` rests on that only `plan` can judge; empty if on nothing."""
    count = sum(row.state == "claimed" for row in rows)
    return (
        f" if {counted(count, 'waiver')} hold{'s' * (count == 1)}, which plan judges"
        if count
        else ""
    )


def notes(items: Iterable[str]) -> Iterator[Text]:
    """Things to know that block nothing."""
    for item in items:
        yield Text(f"! {item}", style="yellow")


def next_line(text: str) -> Iterator[Text]:
    """What to do next, if anything."""
    if text:
        yield Text.assemble(("next: ", "bold"), text)


def inert(text: str) -> str:
    """Text for a log in which no line is a command of a CI runner, and every character is visible."""
    shown = "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in text)
    return _COMMAND.sub("> ", shown).replace("##[", "## [")


# Runners obey `::name` where a line begins with it, and `##[name]` wherever it stands.
_COMMAND = re.compile(r"^(?=\s*::)", re.MULTILINE)
