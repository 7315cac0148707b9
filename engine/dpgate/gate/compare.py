"""`compare`: reports of evidence side by side, in numbers; it ranks no privacy and reads no data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path

from dpgate.errors import UsageError
from dpgate.evidence.report import EvidenceReport, Shown
from dpgate.gate.compare_read import read
from dpgate.gate.compare_results import (
    ComparedCell,
    ComparedReport,
    ComparedRow,
    CompareResult,
)
from dpgate.model.values import counted, short
from dpgate.model.visible import flat

MOST = 26
"""Reports; each has a letter."""
_LONGEST = 160
"""Characters of a text of a report."""
_KINDS = ("utility", "attack", "output", "schema")


def compare(paths: Sequence[Path | str]) -> CompareResult:
    """Put reports of evidence side by side.

    Args:
        paths: files that hold one (`evidence.json`), or folders with such a file; 2 to 26.

    Returns:
        All their numbers, the best of each row marked where they may be held against each other.

    Raises:
        UsageError: too few or too many, or a file is no report of evidence.

    Privacy:
        Reads published reports alone.
    """
    if not 2 <= len(paths) <= MOST:
        raise UsageError(
            f"{counted(len(paths), 'report')} cannot be compared", fix=f"give 2 to {MOST}"
        )
    held = [(flat(str(path), _LONGEST), read(Path(path))) for path in paths]
    reports = tuple(_report(place, path, report) for place, (path, report) in enumerate(held))
    apart = tuple(_apart([report for _, report in held]))
    rows = _rows([report for _, report in held], mark=not apart)
    return CompareResult(
        reports=reports,
        rows=rows,
        comparable=not apart,
        apart=apart,
        differences=tuple(_differences(reports)),
    )


def _report(place: int, path: str, report: EvidenceReport) -> ComparedReport:
    made = report.made
    judged = [result.passed for result in report.results if result.passed is not None]
    return ComparedReport(
        letter="ABCDEFGHIJKLMNOPQRSTUVWXYZ"[place],
        path=path,
        name=flat(made.name, _LONGEST),
        kind=made.kind,
        outcome=flat(made.outcome, _LONGEST),
        stand_in=flat(made.stand_in, _LONGEST),
        synthesizer=flat(made.synthesizer, _LONGEST),
        rows=made.rows,
        columns=made.columns,
        epsilon=made.epsilon,
        delta=made.delta,
        relation=flat(made.relation, _LONGEST),
        unit=flat(made.unit, _LONGEST),
        person_epsilon=made.person_epsilon,
        person_delta=made.person_delta,
        rows_per_person=made.rows_per_person,
        unprotected_bits=made.unprotected_bits,
        judged=len(judged),
        met=sum(judged),
        sealed=sum(result.value is None for result in report.results),
    )


_Key = tuple[str, str, str, int]


def _rows(reports: Sequence[EvidenceReport], *, mark: bool) -> tuple[ComparedRow, ...]:
    """A row for each result that any report has, in the order in which they come."""
    held = [dict(_keyed(report)) for report in reports]
    keys = dict.fromkeys(key for each in held for key in each)
    ordered = sorted(keys, key=lambda key: _KINDS.index(key[0]))
    return tuple(_row([each.get(key) for each in held], mark=mark) for key in ordered)


def _keyed(report: EvidenceReport) -> Iterator[tuple[_Key, Shown]]:
    """Results by what they are; those that are the same by their number."""
    seen: Counter[tuple[str, str, str]] = Counter()
    for result in report.results:
        key = (result.kind, result.metric, result.title)
        yield (*key, seen[key]), result
        seen[key] += 1


def _row(results: Sequence[Shown | None], *, mark: bool) -> ComparedRow:
    first = next(result for result in results if result is not None)
    same = {result.better for result in results if result is not None} == {first.better}
    best = _best(results, first.better) if mark and same else None
    return ComparedRow(
        metric=flat(first.metric, _LONGEST),
        title=flat(first.title or first.metric, _LONGEST),
        kind=first.kind,
        better=first.better,
        cells=tuple(None if result is None else _cell(result, best) for result in results),
    )


def _best(results: Sequence[Shown | None], better: str) -> Shown | None:
    """The result with the best value; None where all are the same, or none is better."""
    valued = [result for result in results if result is not None and result.value is not None]
    if better == "neither" or len({_value(result) for result in valued}) < 2:
        return None
    choose = min if better == "low" else max
    return choose(valued, key=_value)


def _value(result: Shown) -> Decimal:
    return result.value.value if result.value is not None else Decimal(0)


def _cell(result: Shown, best: Shown | None) -> ComparedCell:
    held = result.value
    leads = best is not None and held is not None and held.value == _value(best)
    return ComparedCell(
        disclosure=result.disclosure,
        value=None if held is None else held.value,
        low=None if held is None else held.low,
        high=None if held is None else held.high,
        limit=result.limit,
        passed=result.passed,
        rho=result.rho,
        best=leads,
        close=not leads and best is not None and _meets(result, best),
    )


def _meets(one: Shown, other: Shown) -> bool:
    """Whether two intervals have a number in common."""
    if one.value is None or other.value is None:
        return False
    return one.value.low <= other.value.high and other.value.low <= one.value.high


def _apart(reports: Sequence[EvidenceReport]) -> Iterator[str]:
    """Why values may not be held against each other."""
    told: tuple[tuple[str, Callable[[EvidenceReport], object]], ...] = (
        ("they are about different datasets", lambda r: r.made.name.partition("/")[0]),
        ("they have different columns", _columns),
        (
            "releases stand beside rehearsals: measured with noise on private data, exact on a stand-in",
            lambda r: r.made.kind,
        ),
        ("rehearsals ran on different stand-ins", lambda r: r.made.stand_in),
    )
    kinds = {report.made.kind for report in reports}
    for words, what in told:
        if words.startswith("rehearsals") and kinds != {"rehearsal"}:
            continue
        if len({what(report) for report in reports}) > 1:
            yield words


def _columns(report: EvidenceReport) -> object:
    names = {bars.column for bars in report.bars} | set(report.heat.columns if report.heat else ())
    return report.made.columns, tuple(sorted(names))


def _differences(reports: Sequence[ComparedReport]) -> Iterator[str]:
    """What keeps figures of ε from meaning the same."""
    what: tuple[tuple[str, Callable[[ComparedReport], str]], ...] = (
        ("neighboring relation", lambda r: r.relation),
        ("unit", lambda r: r.unit),
        ("δ", lambda r: short(r.delta)),
        ("rows per person", lambda r: str(r.rows_per_person)),
        (
            "δ of a person's ε",
            lambda r: "none" if r.person_delta is None else short(r.person_delta),
        ),
        ("unprotected bits, which no ε covers", lambda r: str(r.unprotected_bits)),
    )
    for name, of in what:
        letters: dict[str, str] = {}
        for report in reports:
            letters[of(report)] = letters.get(of(report), "") + report.letter
        if len(letters) > 1:
            told = ", ".join(f"{value or 'not said'} ({who})" for value, who in letters.items())
            yield f"{name}: {told}"
