"""Another name for the same people is no fresh budget."""

from __future__ import annotations

from dpgate.policy.resets import dropped
from tests.unit.policy.test_scopes import facts
from tests.unit.policy.worlds import POLICY, Changes, policy

RENEWED: Changes = {
    POLICY: {
        "      lifetime:": "      retired: 2026-01-01\n      lifetime:",
        "  purposes:": (
            "    new-patients:\n      neighboring: add-remove\n      lifetime: {epsilon: 3}\n"
            "      renews: {population: clinic-patients, because: another region}\n\n  purposes:"
        ),
    }
}


def test_a_population_that_was_charged_must_be_charged_again() -> None:
    own, before = {"clinic-patients"}, {"clinic-patients", "staff"}
    assert dropped(policy(), facts(), set()) is None
    assert dropped(policy(), facts(), own) is None
    assert dropped(policy(), facts(), before) == "staff"
    assert dropped(policy(), facts(populations=("new-patients",)), own) == "clinic-patients"
    more = facts(populations=("other", "staff", "clinic-patients"))
    assert dropped(policy(), more, before) is None


def test_new_people_are_declared_in_the_policy() -> None:
    new = facts(populations=("new-patients",))
    own = {"clinic-patients"}
    assert dropped(policy(RENEWED), new, own) is None
    assert dropped(policy(RENEWED), facts(populations=("staff",)), own) == "clinic-patients"
