"""Which rules a check or a plan judged: reports name those that are satisfied, too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dpgate.gate.results import RuleRow
from dpgate.model.policy import PrivacyPolicy
from dpgate.policy.builtin import BUILTIN
from dpgate.policy.rulebook import rules_of


def of_check(policy: PrivacyPolicy, *, request: bool) -> tuple[RuleRow, ...]:
    """Rules that `check` judges.

    Args:
        policy: that of the work tree.
        request: whether a pull request is judged as a whole.
    """
    about = {"release", "policy"} | ({"request"} if request else set())
    return (*_built_in(about, ("check",)), *_own(policy))


def of_plan(policy: PrivacyPolicy) -> tuple[RuleRow, ...]:
    """Rules that `plan` judges one release by."""
    return (*_built_in({"release"}, ("check", "plan")), *_own(policy))


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


def _own(policy: PrivacyPolicy) -> Iterator[RuleRow]:
    """Rules that the policy states itself."""
    for bound in rules_of(policy):
        rule = bound.rule
        yield RuleRow(
            id=rule.id, title=rule.title, help=rule.help or "", enforcement=rule.enforcement
        )
