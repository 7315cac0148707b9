"""Which rules the cases tested: that each one holds somewhere, and somewhere does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from dpgate.gate.policytest.judge import Judged
from dpgate.gate.policytest.result import RuleTested
from dpgate.policy.builtin import BUILTIN


def coverage(judged: Iterable[Judged]) -> tuple[RuleTested, ...]:
    """How often each rule held and failed in the cases."""
    holding: Counter[str] = Counter()
    failing: Counter[str] = Counter()
    for each in judged:
        failed = {finding.rule for finding in each.findings}
        for rule in BUILTIN.values():
            if rule.id in failed:
                failing[rule.id] += 1
            elif rule.judged == "check" or each.planned:
                holding[rule.id] += 1
    return tuple(
        RuleTested(
            rule=rule.id,
            origin="built-in",
            place="",
            holding=holding[rule.id],
            failing=failing[rule.id],
        )
        for rule in BUILTIN.values()
        if rule.about == "release"
    )
