"""Cases judged by the code that judges real releases, and held against what they expect."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from dpgate.errors import ChainError, DocumentError, DpgateError
from dpgate.gate.policytest.cases import Maker, Tested
from dpgate.gate.policytest.expected import compared, found_row
from dpgate.gate.policytest.history import Made, moment, standing
from dpgate.gate.policytest.result import CaseResult
from dpgate.gate.trial import Costs, Judged, Trial, judge_all
from dpgate.gate.waivers import Ground, Offer
from dpgate.gate.waivers_told import Waiving, waiving
from dpgate.gate.workspace import policy_of
from dpgate.loading.documents import Loaded, load, problem
from dpgate.model.policytest import PolicyCase, PolicyTest
from dpgate.policy.facts import Clock, clock
from dpgate.policy.rulebook import rules_for


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A case that can be judged."""

    test: Loaded
    number: int
    """Of the case in its test, from 0."""
    tested: Tested
    trial: Trial

    @property
    def case(self) -> PolicyCase:
        """What the test says."""
        return document_of(self.test).spec.cases[self.number]


def document_of(test: Loaded) -> PolicyTest:
    """The test that a loaded document is."""
    document = test.document
    assert isinstance(document, PolicyTest)  # noqa: S101 - the loader looked
    return document


class Judge:
    """Makes cases ready to be judged, on a day unless they name one."""

    def __init__(self, today: dt.date) -> None:
        self._today = today
        self._costs: dict[str, Costs] = {}

    def prepare(self, test: Loaded, maker: Maker, number: int) -> Prepared:
        """Make what a case is about.

        Args:
            test: the document.
            maker: makes its documents.
            number: of the case, from 0.

        Raises:
            DocumentError: what the case says makes no release.
        """
        spec = document_of(test).spec
        case = spec.cases[number]
        tested = maker.tested(number)
        policy_file = tested.policy.loaded
        policy = policy_of(policy_file)
        costs = self._costs.setdefault(policy_file.digest, Costs(policy))
        time = clock(policy, moment(policy, case.today or spec.today or self._today))
        made = self._earlier(test, maker, number, costs)
        try:
            before = standing(policy_file, made, costs)
        except ChainError as error:
            raise _unlikely(test, number, 0, error) from None
        trial = Trial(
            case=tested.case,
            standing=before,
            time=time,
            costs=costs,
            waivers=waivers_of(tested, policy_file, time),
            approvals="all" if case.approvals is None else case.approvals,
        )
        return Prepared(test=test, number=number, tested=tested, trial=trial)

    def _earlier(self, test: Loaded, maker: Maker, number: int, costs: Costs) -> list[Made]:
        """The history of a case."""
        made = []
        for index, each in enumerate(document_of(test).spec.cases[number].history):
            for count in range(each.times):
                name = f"earlier-{index + 1}" + (f"-{count + 1}" if each.times > 1 else "")
                tested = maker.earlier(number, index, name)
                try:
                    costs.of(tested.case)
                except DpgateError as error:
                    raise _unlikely(test, number, index, error) from None
                made.append(Made(tested.case, each.on, each.outcome))
        return made


def judge(prepared: Sequence[Prepared]) -> tuple[tuple[Judged, CaseResult], ...]:
    """Judge cases, all rules in CEL in one child process.

    Raises:
        DocumentError: rules that cannot be used.
    """
    done = judge_all([each.trial for each in prepared])
    return tuple((each, _result(p, each)) for p, each in zip(prepared, done, strict=True))


def _result(prepared: Prepared, judged: Judged) -> CaseResult:
    case, tested, roles = prepared.case, prepared.tested, judged.roles
    missing, unexpected = compared(case, tested, judged.findings)
    if case.needs is not None:
        missing += [f"approval of {role}" for role in case.needs if role not in roles]
        unexpected += [f"approval of {role} is needed" for role in roles if role not in case.needs]
    line, column = prepared.test.at("spec", "cases", prepared.number, "name")
    return CaseResult(
        name=case.name,
        file=prepared.test.file,
        line=line,
        column=column,
        passed=not missing and not unexpected,
        missing=tuple(missing),
        unexpected=tuple(unexpected),
        found=tuple(found_row(case, tested, finding) for finding in judged.findings),
    )


def waivers_of(tested: Tested, policy_file: Loaded, time: Clock) -> Waiving:
    """The waivers that a case asks for, decided on like real ones that were signed."""
    offers = []
    for path in tested.waivers:
        rule = PurePosixPath(path).stem
        text = _WAIVER.format(rule=rule, release=tested.case.name, day=time.day)
        offers.append(Offer(load(path, text.encode()), ()))
    bounds = rules_for(policy_file, tested.case.dataset_file)
    ground = Ground(policy=policy_of(policy_file), day=time.day)
    return waiving(offers, tested.case.name, bounds, ground)


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
