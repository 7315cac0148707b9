"""A dataset that changes its population must not thereby get a fresh budget."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from dpgate.model.policy import PrivacyPolicy
from dpgate.model.record import Facts


def dropped(policy: PrivacyPolicy, facts: Facts, charged: AbstractSet[str]) -> str | None:
    """A population that earlier releases of the same dataset were charged to, and this one is not.

    That is a reset unless the policy says that the people are new: one of the populations that are
    charged now `renews` the one that was dropped.

    Args:
        policy: the policy in force.
        facts: of the release that is judged.
        charged: populations that the same dataset was charged to before.

    Returns:
        The name of a population that was dropped without being renewed, or None.
    """
    renewed = {
        population.renews.population
        for name, population in policy.spec.populations.items()
        if name in facts.populations and population.renews is not None
    }
    return min(charged - set(facts.populations) - renewed, default=None)
