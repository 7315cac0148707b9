"""Rules that nobody may have signed, asked about any number of releases in one child process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dpgate.errors import DocumentError
from dpgate.policy import rulebook
from dpgate.policy.cel.apart import Apart
from dpgate.policy.cel.roots import CHECKED, ROOTS
from dpgate.policy.cel.source import Source, Verdict
from dpgate.policy.rulebook import Bound


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What rules say of one release."""

    verdicts: tuple[tuple[Bound, Verdict], ...] = ()
    """Of every rule, also those that hold or are not about it."""
    needs: Mapping[Source, frozenset[str]] = field(default_factory=dict)
    """The facts that each rule uses."""
    ended: str = ""
    """Why the child was ended before it could answer; empty if it did."""


def ask(asked: Sequence[tuple[Mapping[str, object], tuple[Bound, ...]]]) -> tuple[Answer, ...]:
    """Ask rules about releases.

    Args:
        asked: for each release the facts that are known of it, by root, and the rules. One that
            needs a fact that is not known answers with an error.

    Raises:
        DocumentError: rules that cannot be used; every fault at its place.
    """
    every = tuple({(b.loaded.file, *b.path, b.source): b for _, bs in asked for b in bs}.values())
    taken = rulebook.taken(every)
    if taken:
        raise DocumentError(taken)
    if not every:
        return tuple(Answer() for _ in asked)
    numbers: dict[Source, int] = {}
    for bound in every:
        numbers.setdefault(bound.source, len(numbers))
    sets = [[(numbers[bound.source], bound.options) for bound in bounds] for _, bounds in asked]
    with Apart(numbers, sets, frozenset(ROOTS), every=True) as apart:
        answers = apart.judge([(facts, place) for place, (facts, _) in enumerate(asked)])
    if answers.faults:
        raise DocumentError(rulebook.faulty(every, numbers, answers.faults))
    needs = {source: answers.needs.get(number, CHECKED) for source, number in numbers.items()}
    made = []
    for (_, bounds), verdicts in zip(asked, answers.verdicts, strict=True):
        known = {numbers[bound.source]: bound for bound in bounds}
        told = None if verdicts is None else tuple((known[n], verdict) for n, verdict in verdicts)
        made.append(
            Answer(ended=answers.ended) if told is None else Answer(verdicts=told, needs=needs)
        )
    return tuple(made)
