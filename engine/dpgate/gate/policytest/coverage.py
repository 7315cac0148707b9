"""Which rules the cases tested: that each one holds somewhere, and somewhere does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from dpgate.gate.policytest.result import RuleTested
from dpgate.gate.trial import Judged
from dpgate.policy.builtin import BUILTIN
from dpgate.policy.rulebook import Bound


def coverage(judged: Sequence[Judged], written: Iterable[Bound]) -> tuple[RuleTested, ...]:
    """How often each rule held and failed in the cases.

    Args:
        judged: what came of the cases.
        written: the rules of the policy and of all datasets.
    """
    return (*_written(judged, written), *_built_in(judged))


def _written(judged: Sequence[Judged], written: Iterable[Bound]) -> Iterator[RuleTested]:
    holding: Counter[tuple[object, ...]] = Counter()
    failing: Counter[tuple[object, ...]] = Counter()
    for each in judged:
        for bound, verdict in each.rules:
            if verdict.outcome == "holds":
                holding[_key(bound)] += 1
            elif verdict.outcome in ("violated", "error"):
                failing[_key(bound)] += 1
    for bound in written:
        line, column = bound.loaded.at(*bound.path)
        yield RuleTested(
            rule=bound.rule.id,
            origin=bound.origin,
            place=f"{bound.loaded.file}:{line}:{column}",
            holding=holding[_key(bound)],
            failing=failing[_key(bound)],
        )


def _key(bound: Bound) -> tuple[object, ...]:
    """A rule, wherever it is judged: a dataset that a case changed keeps its path."""
    return bound.origin, bound.loaded.file, bound.rule.id


def _built_in(judged: Sequence[Judged]) -> Iterator[RuleTested]:
    holding: Counter[str] = Counter()
    failing: Counter[str] = Counter()
    for each in judged:
        failed = {finding.rule for finding in each.findings}
        for rule in BUILTIN.values():
            if rule.id in failed:
                failing[rule.id] += 1
            elif rule.judged == "check" or each.planned:
                holding[rule.id] += 1
    for rule in BUILTIN.values():
        if rule.about == "release":
            yield RuleTested(
                rule=rule.id,
                origin="built-in",
                place="",
                holding=holding[rule.id],
                failing=failing[rule.id],
            )
