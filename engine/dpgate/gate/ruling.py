"""Rules in CEL at the gate: those of the work tree in a child process, signed ones in this one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Self

from dpgate.errors import DocumentError, UndecidedError
from dpgate.gate.workspace import Case
from dpgate.loading.documents import Loaded
from dpgate.model.finding import Finding
from dpgate.policy import rulebook
from dpgate.policy.cel.roots import CHECKED, ROOTS, Stage, stage_of
from dpgate.policy.cel.source import Source
from dpgate.policy.rulebook import Bound

if TYPE_CHECKING:
    from dpgate.policy.cel.apart import Answers, Apart


class Unsigned:
    """Rules of documents that nobody may have signed, for any number of manifests.

    They are judged in one child process, which starts when this is entered.
    """

    def __init__(
        self,
        cases: Iterable[Case],
        bounds: Mapping[str, tuple[Bound, ...]],
        others: tuple[Bound, ...] = (),
        known: frozenset[str] = CHECKED,
    ) -> None:
        """Take manifests and rules.

        Args:
            cases: the manifests.
            bounds: rules of each dataset, by its name.
            others: further rules, which need only be such that they could be used.
            known: facts that will be given.
        """
        self._cases = tuple(cases)
        self._bounds = dict(bounds)
        self._places = {name: place for place, name in enumerate(self._bounds)}
        every = (b for bounds in (*self._bounds.values(), others) for b in bounds)
        self.rules = tuple({(b.loaded.file, *b.path): b for b in every}.values())
        """Every rule, once."""
        self._known = known
        self._numbers: dict[Source, int] = {}
        self._apart: Apart | None = None

    def __enter__(self) -> Self:
        taken = rulebook.taken(self.rules)
        if taken:
            raise DocumentError(taken)
        for bound in self.rules:
            self._numbers.setdefault(bound.source, len(self._numbers))
        if self.rules:
            from dpgate.policy.cel.apart import Apart

            sets = [
                [(self._numbers[bound.source], bound.options) for bound in bounds]
                for bounds in self._bounds.values()
            ]
            self._apart = Apart(self._numbers, sets, self._known)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the child."""
        if self._apart is not None:
            self._apart.__exit__(kind, error, trace)

    def judge(self, facts: Callable[[Case], Mapping[str, object]]) -> Ruled:
        """Judge every manifest by its facts.

        Raises:
            DocumentError: rules that cannot be used; every fault at its place.
            UndecidedError: the child was ended, and there is no manifest to say so of.
        """
        if self._apart is None:
            return Ruled({case.name: () for case in self._cases}, {})
        answers = self._apart.judge([(facts(c), self._places[_home(c)]) for c in self._cases])
        if answers.faults:
            raise DocumentError(rulebook.faulty(self.rules, self._numbers, answers.faults))
        if answers.ended and not self._cases:  # no manifest could tell of it
            raise UndecidedError(f"rules of the work tree were not read: {answers.ended}")
        found = {
            case.name: self._findings(case, answers, place)
            for place, case in enumerate(self._cases)
        }
        needs = {s.id: answers.needs[n] for s, n in self._numbers.items() if n in answers.needs}
        return Ruled(found, needs)

    def _findings(self, case: Case, answers: Answers, place: int) -> tuple[Finding, ...]:
        verdicts = answers.verdicts[place]
        if verdicts is None:
            return (rulebook.ended(answers.ended, case.release_file),)
        bounds = {self._numbers[b.source]: b for b in self._bounds[_home(case)]} if verdicts else {}
        return tuple(
            rulebook.finding(bounds[number], verdict, case.release_file, case.dataset_file)
            for number, verdict in verdicts
        )


def _home(case: Case) -> str:
    return case.name.partition("/")[0]


@dataclass(frozen=True)
class Ruled:
    """What rules found."""

    findings: Mapping[str, tuple[Finding, ...]]
    """By release."""
    needs: Mapping[str, frozenset[str]]
    """The facts that each rule uses, by the rule's id; nothing of rules that were not compiled."""

    @property
    def later(self) -> tuple[str, ...]:
        """Rules that need budgets, history or approvals."""
        return tuple(sorted(name for name, needs in self.needs.items() if not needs <= CHECKED))


def work_tree(cases: Iterable[Case], policy_file: Loaded) -> Unsigned:
    """The rules of the work tree's policy, and of each manifest's dataset."""
    chosen = tuple(cases)
    datasets = {_home(case): case.dataset_file for case in chosen}
    bounds = {name: rulebook.rules_for(policy_file, each) for name, each in datasets.items()}
    others = rulebook.conditions_of(policy_file)
    others += () if bounds else rulebook.rules_of(policy_file)
    return Unsigned(chosen, bounds, others)


def checked_facts(today: dt.date) -> Callable[[Case], Mapping[str, object]]:
    """What `check` knows of a manifest on a day, by root."""

    def facts(case: Case) -> Mapping[str, object]:
        from dpgate.policy.cel.documents import of_documents

        return of_documents(case.dataset, case.release, today)

    return facts


Facts = Callable[[frozenset[str]], Mapping[str, object]]
"""Makes those facts, by root, that rules turn out to need."""


@dataclass(frozen=True)
class Opinion:
    """What rules of one stage say of one release."""

    findings: tuple[Finding, ...] = ()
    consenting: frozenset[str] = frozenset()
    """Those that are about approvals: what they deny may be allowed once somebody approves."""


def checked(
    bounds: Iterable[Bound], case: Case, today: dt.date, *, everything_signed: bool = False
) -> tuple[Finding, ...]:
    """What rules that need no ledger find in a manifest.

    Args:
        bounds: rules of the adopted policy, and of the manifest's dataset.
        case: manifest and dataset.
        today: the day, in the policy's time zone.
        everything_signed: the dataset is part of a signed ledger, and its rules are judged here;
            otherwise apart.

    Raises:
        DocumentError: rules that cannot be used.
    """
    facts, signed = checked_facts(today), everything_signed
    found = further(bounds, case, lambda _: facts(case), "documents", everything_signed=signed)
    return found.findings


def further(
    bounds: Iterable[Bound],
    case: Case,
    facts: Facts,
    stage: Stage,
    *,
    everything_signed: bool = False,
) -> Opinion:
    """What the rules of one stage find in a manifest; for the arguments see `checked`."""
    every = tuple(bounds)
    ours, own = (every, ()) if everything_signed else _split(every)
    # Of all together: `verify`, which judges them so, would refuse what they were released by.
    if own and (twice := rulebook.taken(every)):
        raise DocumentError(twice)
    opinion = _signed(ours, case, facts, stage)
    if not own or all(_STAGES.get(bound.source, stage) != stage for bound in own):
        return opinion
    known = CHECKED if stage == "documents" else frozenset(ROOTS)
    with Unsigned((case,), {_home(case): own}, known=known) as rules:
        ruled = rules.judge(lambda _: facts(known))
    for bound in own:
        if bound.rule.id in ruled.needs:
            _STAGES[bound.source] = stage_of(ruled.needs[bound.rule.id])
    now = {name for name, needs in ruled.needs.items() if stage_of(needs) == stage}
    found = tuple(f for f in ruled.findings[case.name] if f.rule in {*now, "rules-ended"})
    consenting = opinion.consenting | (now if stage == "approvals" else frozenset())
    return Opinion(opinion.findings + found, consenting)


_STAGES: dict[Source, Stage] = {}
"""Stages of rules that were compiled apart: there is no need to ask again."""


def _signed(bounds: Iterable[Bound], case: Case, facts: Facts, stage: Stage) -> Opinion:
    """What rules that were signed find, judged in this process."""
    chosen = [each for each in rulebook.programs(bounds) if each[1].stage == stage]
    if not chosen:
        return Opinion()
    from dpgate.policy.cel.evaluate import Scene

    scene = Scene(facts(frozenset[str]().union(*(program.needs for _, program in chosen))))
    found = rulebook.findings(chosen, scene, case.release_file, case.dataset_file)
    consenting = {bound.rule.id for bound, _ in chosen} if stage == "approvals" else set[str]()
    return Opinion(found, frozenset(consenting))


def _split(bounds: tuple[Bound, ...]) -> tuple[tuple[Bound, ...], tuple[Bound, ...]]:
    """Rules that were signed, and a dataset's own, which a pull request may bring."""
    own = tuple(bound for bound in bounds if bound.origin == "dataset")
    return tuple(bound for bound in bounds if bound.origin != "dataset"), own
