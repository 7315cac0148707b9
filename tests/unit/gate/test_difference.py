"""What changes in the rules of a policy, in words."""

from __future__ import annotations

from dpgate.gate.difference import differences
from dpgate.model.policy import PrivacyPolicy
from tests.unit.policy.worlds import POLICY, policy

RULE = "{id: small, title: Small, assert: 'release.epsilon < 1.0', message: too much}"


def with_rules(text: str) -> PrivacyPolicy:
    return policy({POLICY: {"  approvals:": f"{text}\n  approvals:"}})


def switched(rule: str) -> PrivacyPolicy:
    return policy({POLICY: {"  catalogue:": f"  catalogue:\n    {rule}"}})


def test_rules_that_come_go_and_change_are_told() -> None:
    before, after = policy(), with_rules(f"  rules: [{RULE}]")
    (added,) = differences(before, after)
    assert added.splitlines() == [
        "rule small is added: Small (hard)",
        "    when: true",
        "    assert: release.epsilon < 1.0",
        "    message: too much",
    ]
    assert differences(after, before) == ("rule small is removed",)
    changed = with_rules("  rules: [" + RULE.replace("< 1.0", "< 2.0") + "]")
    assert differences(after, changed) == (
        "rule small: assert: release.epsilon < 1.0 → release.epsilon < 2.0",
    )


def test_rules_of_the_catalogue_too() -> None:
    before = switched("epsilon-by-purpose: {}")
    words = "options: {at_most: {teaching: 0.5}}"
    after = switched(f"epsilon-by-purpose: {{enforcement: soft, {words}}}")
    assert differences(policy(), after) == (
        "catalogue rule epsilon-by-purpose is added: soft, options {at_most: {teaching: 0.5}}",
    )
    assert differences(policy(), before) == (
        "catalogue rule epsilon-by-purpose is added: as it comes",
    )
    assert differences(before, after) == (
        "catalogue rule epsilon-by-purpose: its own enforcement → soft",
        "catalogue rule epsilon-by-purpose: at_most: its default → {teaching: 0.5}",
    )
    assert differences(after, before)[-1].endswith("at_most: {teaching: 0.5} → its default")
    assert differences(before, before) == ()


def test_parts_of_the_policy_are_told_as_they_are_written() -> None:
    before = with_rules("  waivers: {roles: [privacy, legal], days_at_most: 30}")
    after = with_rules("  waivers: {roles: [privacy], days_at_most: 40}")
    assert differences(before, after) == (
        "waivers.roles: [privacy, legal] → [privacy]",
        "waivers.days_at_most: 30 → 40",
    )
    (added,) = differences(policy(), before)
    assert added.startswith("waivers: nothing → roles [privacy, legal], days_at_most 30")


def test_no_text_of_a_policy_forges_a_sentence_or_hides_behind_a_comment() -> None:
    before, plain = policy(), with_rules(f"  rules: [{RULE}]")
    hostile = RULE.replace("Small", '"Small\\nlifetime limit of x is lowered: ε 8 → 1"').replace(
        "'release.epsilon < 1.0'", '"release.epsilon < 1.0 // at most\\n  || true"'
    )
    after = with_rules(f"  rules: [{hostile}]")
    (added,) = differences(before, after)
    told = "assert: release.epsilon < 1.0 // at most ⏎ || true"
    assert added.splitlines()[2].strip() == told
    assert len(added.splitlines()) == 4
    title, assertion = differences(plain, after)
    assert "\n" not in title + assertion
    assert assertion.endswith("→ release.epsilon < 1.0 // at most ⏎ || true")
