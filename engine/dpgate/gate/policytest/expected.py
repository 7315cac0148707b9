"""What a case expects, against what was found."""

from __future__ import annotations

from collections.abc import Iterable

from dpgate.gate.policytest.cases import Tested
from dpgate.gate.policytest.result import Found
from dpgate.model.finding import Finding
from dpgate.model.policytest import Expected, PolicyCase


def compared(
    case: PolicyCase, tested: Tested, findings: Iterable[Finding]
) -> tuple[list[str], list[str]]:
    """What is missing, and what is there unasked, in words."""
    expected, found = _listed(case), tuple(findings)
    missing = [_words(each) for each in expected if not any(_meets(each, tested, f) for f in found)]
    unexpected = [
        f"{_name(finding)}{_at(tested.key_of(finding))}: {finding.message}"
        for finding in found
        if (finding.level == "deny" or case.exactly)
        and not any(_meets(each, tested, finding) for each in expected)
    ]
    return missing, unexpected


def found_row(case: PolicyCase, tested: Tested, finding: Finding) -> Found:
    """A finding as the result of a test tells it."""
    place = tested.place_of(finding)
    return Found(
        rule=finding.rule,
        level=finding.level,
        outcome=finding.outcome,
        message=finding.message,
        fix=finding.fix,
        at=tested.key_of(finding),
        file=place.file,
        line=place.start[0],
        column=place.start[1],
        expected=any(_meets(each, tested, finding) for each in _listed(case)),
    )


def _listed(case: PolicyCase) -> tuple[Expected, ...]:
    return () if case.expect == "allow" else case.expect


def _meets(expected: Expected, tested: Tested, finding: Finding) -> bool:
    return (
        expected.rule == finding.rule
        and expected.level in (None, finding.level)
        and expected.outcome in (None, finding.outcome)
        and (expected.message is None or expected.message in finding.message)
        and expected.at in (None, tested.key_of(finding))
    )


def _words(expected: Expected) -> str:
    """An expectation in words."""
    level = {"deny": "denial", "warn": "warning", None: "finding"}[expected.level]
    outcome = f", {expected.outcome}" if expected.outcome else ""
    message = f": … {expected.message} …" if expected.message else ""
    return f"{level} [{expected.rule}]{outcome}{_at(expected.at or '')}{message}"


def _name(finding: Finding) -> str:
    level = "denial" if finding.level == "deny" else "warning"
    outcome = "" if finding.outcome == "violated" else f", {finding.outcome}"
    return f"{level} [{finding.rule}]{outcome}"


def _at(key: str) -> str:
    return f" at {key}" if key else ""
