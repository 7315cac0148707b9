"""One case, judged by the code that judges a real release, and held against what it expects."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import PurePosixPath

from dpgate.errors import ChainError, DocumentError, DpgateError
from dpgate.gate.plan import Weighed, weigh
from dpgate.gate.policytest.cases import Maker, Tested
from dpgate.gate.policytest.history import Costs, Made, moment, standing
from dpgate.gate.policytest.result import CaseResult, Found
from dpgate.gate.standing import Standing
from dpgate.gate.waivers import Ground, Offer
from dpgate.gate.waivers_told import Waiving, waiving
from dpgate.gate.workspace import policy_of
from dpgate.loading.documents import Loaded, load, problem
from dpgate.model.finding import Finding
from dpgate.model.policy import PrivacyPolicy
from dpgate.model.policytest import Expected, PolicyCase, PolicyTest
from dpgate.policy.approvals import required_roles
from dpgate.policy.facts import Clock, clock, facts_of


@dataclass(frozen=True)
class Judged:
    """A case with its result, and what coverage needs of it."""

    tested: Tested
    result: CaseResult
    findings: tuple[Finding, ...]
    planned: bool
    """Whether budgets and noise were judged: a rule that denies ends it before."""


class Judge:
    """Judges cases under one policy."""

    def __init__(self, policy_file: Loaded, today: dt.date) -> None:
        self.policy_file = policy_file
        self._today = today
        self._costs = Costs(policy_of(policy_file))

    def case(self, test: Loaded, maker: Maker, number: int) -> Judged:
        """Judge one case of a test.

        Args:
            test: the document.
            maker: makes its documents.
            number: of the case, from 0.

        Raises:
            DocumentError: what the case says makes no release.
        """
        document = test.document
        assert isinstance(document, PolicyTest)  # noqa: S101 - narrows the type
        case = document.spec.cases[number]
        day = case.today or document.spec.today or self._today
        policy = policy_of(self.policy_file)
        tested = maker.tested(number)
        past = self._standing(test, maker, case, number)
        time = clock(policy, moment(policy, day))
        weighed, found = self._weighed(tested, past, time, waivers_of(tested, policy, time))
        missing, unexpected = _compared(case, tested, found)
        if case.needs is not None:
            facts = facts_of(tested.case.dataset, tested.case.release)
            roles = required_roles(
                policy, tested.case.dataset, tested.case.release, facts, time.day
            )
            missing += [f"approval of {role}" for role in case.needs if role not in roles]
            unexpected += [
                f"approval of {role} is needed" for role in roles if role not in case.needs
            ]
        line, column = test.at("spec", "cases", number, "name")
        result = CaseResult(
            name=case.name,
            file=test.file,
            line=line,
            column=column,
            passed=not missing and not unexpected,
            missing=tuple(missing),
            unexpected=tuple(unexpected),
            found=tuple(_found(case, tested, finding) for finding in found),
        )
        return Judged(tested, result, found, weighed.cost is not None)

    def _standing(self, test: Loaded, maker: Maker, case: PolicyCase, number: int) -> Standing:
        made = []
        for index, each in enumerate(case.history):
            for count in range(each.times):
                name = f"earlier-{index + 1}" + (f"-{count + 1}" if each.times > 1 else "")
                tested = maker.earlier(number, index, name)
                try:
                    self._costs.of(tested.case)
                except DpgateError as error:
                    raise _unlikely(test, number, index, error) from None
                made.append(Made(tested.case, each.on, each.outcome))
        try:
            return standing(self.policy_file, made, self._costs)
        except ChainError as error:
            raise _unlikely(test, number, 0, error) from None

    def _weighed(
        self, tested: Tested, past: Standing, time: Clock, waivers: Waiving
    ) -> tuple[Weighed, tuple[Finding, ...]]:
        try:
            weighed = weigh(
                tested.case, past, time, waivers, cost=lambda _, case: self._costs.of(case)
            )
        except DpgateError as error:
            weighed = weigh(tested.case, past, time, waivers, costed=False)
            line, column = tested.release.loaded.at("spec", "privacy")
            failed = Finding(
                rule="planning",
                level="deny",
                outcome="error",
                message=error.message,
                fix=error.fix,
                file=tested.release.loaded.file,
                line=line,
                column=column,
            )
            return weighed, (*weighed.findings, failed)
        return weighed, weighed.findings + waivers.findings(weighed.findings)


def waivers_of(tested: Tested, policy: PrivacyPolicy, time: Clock) -> Waiving:
    """The waivers that a case asks for, decided on like real ones that were signed."""
    offers = []
    for path in tested.waivers:
        rule = PurePosixPath(path).stem
        text = _WAIVER.format(rule=rule, release=tested.case.name, day=time.day)
        offers.append(Offer(load(path, text.encode()), ()))
    return waiving(offers, tested.case.name, Ground(policy=policy, day=time.day))


_WAIVER = """\
apiVersion: dpgate/v1
kind: Waiver
metadata: {{name: "{rule}", owner: policy-test}}
spec: {{rule: "{rule}", release: "{release}", reason: a test, ticket: a test, expires: {day}}}
"""


def _unlikely(test: Loaded, number: int, index: int, error: DpgateError) -> DocumentError:
    path = ("spec", "cases", number, "history", index)
    message = f"this cannot have been released before: {error.message}"
    return DocumentError((problem(test, path, message, error.fix),))


def _compared(
    case: PolicyCase, tested: Tested, found: tuple[Finding, ...]
) -> tuple[list[str], list[str]]:
    """What is missing, and what is there unasked."""
    expected = () if case.expect == "allow" else case.expect
    missing = [_words(each) for each in expected if not any(_meets(each, tested, f) for f in found)]
    unexpected = [
        f"{_name(finding)}{_at(tested.key_of(finding))}: {finding.message}"
        for finding in found
        if (finding.level == "deny" or case.exactly)
        and not any(_meets(each, tested, finding) for each in expected)
    ]
    return missing, unexpected


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


def _found(case: PolicyCase, tested: Tested, finding: Finding) -> Found:
    file, (line, column), _ = tested.place_of(finding)
    expected = () if case.expect == "allow" else case.expect
    return Found(
        rule=finding.rule,
        level=finding.level,
        outcome=finding.outcome,
        message=finding.message,
        fix=finding.fix,
        at=tested.key_of(finding),
        file=file,
        line=line,
        column=column,
        expected=any(_meets(each, tested, finding) for each in expected),
    )
