"""Rules judge the facts of a release; what cannot be evaluated is told apart from a violation."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from dpgate.policy.cel.compile import Program, compile_rule
from dpgate.policy.cel.documents import of_documents
from dpgate.policy.cel.evaluate import Scene, clean, shown
from dpgate.policy.cel.source import Source, Verdict
from tests.unit.policy import worlds

TODAY = dt.date(2026, 11, 22)


@pytest.fixture(scope="module")
def scene() -> Scene:
    return Scene(of_documents(worlds.dataset(), worlds.release(), TODAY))


def rule(assertion: str, when: str = "true", message: str = "no") -> Program:
    return compile_rule(Source("a-rule", when, assertion, message))


@pytest.mark.parametrize(
    ("when", "assertion", "outcome"),
    [
        ("true", "release.epsilon <= 1.0", "holds"),
        ("true", "release.epsilon < 1.0", "violated"),
        ("release.epsilon > 1.0", "false", "not-about"),
        ("true", "release.delta == 1e-9", "holds"),
        ("true", "release.delta * double(dataset.rows_at_most) < 1.0", "holds"),
        ("'phi' in dataset.sensitivities", "dataset.columns.exists(c, c.free_text)", "violated"),
        ("true", "dataset.columns.all(c, c.sensitivity in ['phi', 'demographic'])", "holds"),
        ("true", "dataset.columns.filter(c, c.quasi_identifier).size() == 2", "holds"),
        ("true", "clock.today == '2026-11-22' && clock.weekday == 7", "holds"),
        ("true", "clock.quarter == 4 && clock.year == 2026 && clock.month == 11", "holds"),
        ("true", "release.retention_days == 220", "holds"),
        ("true", "release.regions.all(r, r in ['US', 'CA'])", "holds"),
        ("true", "release.increment_of == ''", "holds"),
        ("release.rows / 0 == 1", "true", "error"),
        ("true", "release.recipients[7] == 'acme'", "error"),
        ("true", "release.name.matches('(')", "error"),
    ],
)
def test_a_rule_holds_or_is_violated_or_cannot_be_evaluated(
    scene: Scene, when: str, assertion: str, outcome: str
) -> None:
    assert scene.judge(rule(assertion, when)).outcome == outcome


def test_what_takes_too_many_steps_is_an_error(scene: Scene) -> None:
    ten = "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]"
    nested = "true"
    for name in "abcde":
        nested = f"{ten}.all({name}, {nested})"
    assert scene.judge(rule(nested)) == Verdict(
        "a-rule", "error", "it takes more than 10,000 steps"
    )


def test_facts_that_are_not_there_make_an_error(scene: Scene) -> None:
    found = scene.judge(rule("budget.after['lifetime'] <= 3.0"))
    assert found == Verdict("a-rule", "error", "budget is not known here")


def test_a_message_shows_values_as_people_write_them(scene: Scene) -> None:
    message = (
        "{release.epsilon} {release.delta} {dataset.sensitivities} {{x}} {release.rows > 1} "
        "{release.recipients[9]} {release.terms.size()} {release.utility[0].order} {{'a': 1}} {[]}"
    )
    found = scene.judge(rule("false", message=message.replace("{{'a': 1}}", "{ {'a': 1} }")))
    assert found.message == (
        "1 1e-09 demographic, phi {x} true (Index error: index=9 size=1) 2 2 a: 1 none"
    )


def test_a_message_stays_one_line_of_bounded_length(scene: Scene) -> None:
    found = scene.judge(rule("false", message="{'a\\nb\\u202e' + 'x' + '\\x1b[0m'}"))
    assert found.message == "a b x [0m"
    assert clean("x" * 5, 4) == "xxx…"
    assert shown(list(range(12))) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more"
    assert [shown(value) for value in (0.1, 2.0, float("inf"), None, False)] == [
        "0.1", "2", "inf", "null", "false",
    ]  # fmt: skip


def test_options_are_values_that_a_rule_declares(scene: Scene) -> None:
    source = Source(
        "limit",
        "true",
        "release.epsilon <= options.at_most && release.purpose in options.of",
        "above {options.at_most}",
        (("at_most", "double"), ("of", "map(string, list(string))")),
    )
    program = compile_rule(source)
    given = {"at_most": Decimal("0.5"), "of": {"vendor-testing": ("x",)}}
    assert scene.judge(program, given) == Verdict("limit", "violated", "above 0.5")
    assert scene.judge(program, {**given, "at_most": Decimal(1)}).outcome == "holds"
