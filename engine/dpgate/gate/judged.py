"""Which rules a check or a plan judged: reports name those that are satisfied, too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dpgate.gate.results import RuleRow
from dpgate.policy.builtin import BUILTIN
from dpgate.policy.rulebook import Bound


def of_check(bounds: Iterable[Bound], *, request: bool) -> tuple[RuleRow, ...]:
    """Rules that `check` judges.

    Args:
        bounds: those of the work tree's policy and datasets.
        request: whether a pull request is judged as a whole.
    """
    about = {"release", "policy"} | ({"request"} if request else set())
    return (*_built_in(about, ("check",)), *map(_stated, bounds))


def of_plan(bounds: Iterable[Bound]) -> tuple[RuleRow, ...]:
    """Rules that `plan` judges one release by: these, of policy and dataset, and those built in."""
    return (*_built_in({"release"}, ("check", "plan")), *map(_stated, bounds))


def _built_in(about: set[str], judged: Iterable[str]) -> Iterator[RuleRow]:
    for rule in BUILTIN.values():
        if rule.about in about and rule.judged in judged:
            yield RuleRow(
                id=rule.id,
                title=rule.title,
                help=rule.because,
                about="release" if rule.about == "release" else "documents",
                enforcement="advisory" if rule.level == "warn" else "hard",
            )


def _stated(bound: Bound) -> RuleRow:
    """A rule that a document states."""
    rule = bound.rule
    return RuleRow(
        id=rule.id,
        title=rule.title,
        help=bound.page or rule.help or "",
        enforcement=rule.enforcement,
        dataset=bound.loaded.document.metadata.name if bound.origin == "dataset" else "",
    )
