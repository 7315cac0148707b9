"""Every combination of enforcement, outcome and waiver, and what it does."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from dpgate.model.finding import Finding
from dpgate.policy.enforcement import decide

WAIVERS = {"late": "policies/waivers/late-one.yaml"}


def finding(**changes: Any) -> Finding:
    return Finding(**{"rule": "late", "level": "deny", "message": "late", "fix": "", **changes})


@pytest.mark.parametrize(
    ("enforcement", "outcome", "waived", "level", "shown"),
    [
        ("advisory", "violated", False, "warn", "violated"),
        ("advisory", "violated", True, "warn", "violated"),
        ("soft", "violated", False, "deny", "violated"),
        ("soft", "violated", True, "warn", "waived"),
        ("hard", "violated", False, "deny", "violated"),
        ("hard", "violated", True, "deny", "violated"),
        *(
            (enforcement, "error", waived, "deny", "error")
            for enforcement, waived in itertools.product(
                ("advisory", "soft", "hard"), (False, True)
            )
        ),
    ],
)
def test_what_each_combination_does(
    enforcement: str, outcome: str, *, waived: bool, level: str, shown: str
) -> None:
    made = decide(
        finding(enforcement=enforcement, outcome=outcome), WAIVERS if waived else {"other": "x"}
    )
    assert (made.level, made.outcome) == (level, shown)
    assert bool(made.waiver) == (shown == "waived")


def test_a_waived_finding_says_what_would_fail_and_names_its_waiver() -> None:
    made = decide(finding(enforcement="soft"), WAIVERS)
    assert made.message == "waived, would fail: late"
    assert made.waiver == WAIVERS["late"]
    assert decide(made.model_copy(update={"message": "late"}), WAIVERS) == made


def test_a_built_in_rule_that_warns_goes_on_warning() -> None:
    built_in = finding(level="warn", enforcement="advisory")
    assert decide(built_in) == built_in


def test_an_error_denies_even_where_a_rule_would_warn() -> None:
    assert decide(finding(level="warn", enforcement="advisory", outcome="error")).level == "deny"
