"""PolicyTests: what their form alone refuses."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from dpgate.model.policytest import PolicyTestSpec

CASE: dict[str, Any] = {"name": "a", "release": "x/y", "expect": "allow"}


def refused(*cases: dict[str, Any], **spec: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        PolicyTestSpec.model_validate({"cases": cases, **spec})
    return str(caught.value)


def test_a_release_of_its_own_or_one_for_all() -> None:
    bare = {"name": "a", "expect": "allow"}
    assert "case 'a' has no release" in refused(bare)
    assert PolicyTestSpec.model_validate({"cases": (bare,), "release": "x/y"}).release == "x/y"


def test_cases_are_told_apart_by_name() -> None:
    assert "two cases are named 'a'" in refused(CASE, CASE)


def test_what_came_before_came_before() -> None:
    past = {**CASE, "history": ({"on": "2026-11-20"},)}
    assert "it needs a day" in refused(past)
    assert "2026-11-20 is not before 2026-11-19" in refused(past, today="2026-11-19")
    assert len(PolicyTestSpec.model_validate({"cases": (past,), "today": "2026-11-20"}).cases) == 1
    own = {**past, "today": "2026-11-19"}
    assert "2026-11-20 is not before 2026-11-19" in refused(own, today="2026-11-21")


def test_a_history_has_an_end() -> None:
    many = {**CASE, "history": tuple({"on": "2026-11-20", "times": 100} for _ in range(21))}
    assert "more than 2,000 earlier releases" in refused(many, today="2026-11-20")
