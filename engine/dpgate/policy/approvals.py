"""Which roles must approve a release or a policy, and whether they have."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

from dpgate.model.dataset import Dataset
from dpgate.model.policy import ApprovalRule, Condition, GithubReviews, PrivacyPolicy
from dpgate.model.record import Facts
from dpgate.model.release import Release


def required_roles(
    policy: PrivacyPolicy,
    dataset: Dataset,
    release: Release,
    facts: Facts,
    today: dt.date,
    judged: Mapping[str, bool] | None = None,
) -> tuple[str, ...]:
    """Roles whose approval this release needs, in the policy's order.

    A domain that rests on an assumption always needs `privacy`.

    Args:
        policy: the policy in force.
        dataset: the dataset.
        release: the manifest.
        facts: those that are recorded of it.
        today: the day, in the policy's time zone.
        judged: which conditions in CEL hold, where a policy that nobody may have signed had them
            judged apart.
    """
    rules = demanding(policy, dataset, release, facts, today, judged)
    roles = [role for rule in rules for role in rule.roles]
    if assumptions(dataset, release):
        roles.append("privacy")
    return tuple(dict.fromkeys(roles))


def required_reviews(
    policy: PrivacyPolicy, dataset: Dataset, release: Release, facts: Facts, today: dt.date
) -> tuple[GithubReviews, ...]:
    """Reviews on GitHub that this release needs beside its approvals, in the policy's order."""
    rules = demanding(policy, dataset, release, facts, today)
    return tuple(rule.github_reviews for rule in rules if rule.github_reviews)


def demanding(
    policy: PrivacyPolicy,
    dataset: Dataset,
    release: Release,
    facts: Facts,
    today: dt.date,
    judged: Mapping[str, bool] | None = None,
) -> tuple[ApprovalRule, ...]:
    """The policy's rules about approvals that hold for this release."""

    def holds(rule: ApprovalRule) -> bool:
        if isinstance(rule.when, str):
            if judged is not None:
                return judged.get(rule.when, True)
            return _true(rule.when, dataset, release, today)
        return rule.when is None or _holds(rule.when, release, facts)

    return tuple(rule for rule in policy.spec.approvals if holds(rule))


def assumptions(dataset: Dataset, release: Release) -> tuple[str, ...]:
    """Domains and tables of released columns that rest on an assumption, in words."""
    sources = dataset.spec.sources(release.spec.columns)
    return tuple(what for what, _, source in sources if source.assumption is not None)


def _true(condition: str, dataset: Dataset, release: Release, today: dt.date) -> bool:
    from dpgate.policy.cel.condition import needed

    return needed(condition, dataset, release, today)


def _holds(condition: Condition, release: Release, facts: Facts) -> bool:
    if condition.region_not_in is not None and not set(release.spec.regions) - set(
        condition.region_not_in
    ):
        return False
    return condition.sensitivity_in is None or bool(
        set(facts.sensitivities) & set(condition.sensitivity_in)
    )


def missing(
    policy: PrivacyPolicy, roles: Iterable[str], signed: Mapping[str, frozenset[str]]
) -> dict[str, int]:
    """Roles that have too few approvals, and how many distinct keys are still missing.

    Args:
        policy: the policy in force.
        roles: roles that must approve.
        signed: for each role, fingerprints of the distinct keys whose approval counts.
    """
    lacking = {}
    for role in roles:
        rule = policy.spec.roles.get(role)
        # A role without keys can never approve: it stays missing rather than being skipped.
        threshold = rule.threshold if rule and rule.keys else 1
        have = len(signed.get(role, frozenset()))
        if have < threshold:
            lacking[role] = threshold - have
    return lacking


def author_missing(policy: PrivacyPolicy, authors: AbstractSet[str]) -> bool:
    """Whether the policy separates duties and nobody signed as the author.

    Args:
        policy: the policy in force.
        authors: fingerprints of the keys that signed as the author.
    """
    return policy.spec.separation is not None and not authors
