"""What a policy may ask of the catalogue: everything else is an error, at its place."""

from __future__ import annotations

from decimal import Decimal

import pytest

from dpgate.errors import DocumentError, Problem
from dpgate.loading.catalogue import choose
from dpgate.loading.documents import load
from dpgate.model.policy import PrivacyPolicy
from tests.unit.policy.worlds import POLICY, with_catalogue

RULE = "{id: epsilon-by-purpose, title: t, assert: 'true', message: m}"


def problems(document: str) -> tuple[Problem, ...]:
    with pytest.raises(DocumentError) as caught:
        load(POLICY, document.encode())
    return caught.value.problems


def actives(catalogue: str) -> tuple[choose.Active, ...]:
    document = load(POLICY, with_catalogue(catalogue).encode()).document
    assert isinstance(document, PrivacyPolicy)
    return choose.active(document.spec)


def test_no_options_are_the_defaults() -> None:
    (active,) = actives("{releases-per-recipient: {}}")
    assert active.options == {"at_most": 4, "days": 90}
    assert active.types == (("at_most", "int"), ("days", "int"))
    assert active.rule.enforcement == "soft"
    assert active.page == "docs/rules/releases-per-recipient.md"


def test_options_and_enforcement_are_the_policys() -> None:
    words = "{enforcement: advisory, options: {at_most: {teaching: 2, research: 0.5}}}"
    first, second = actives(f"{{epsilon-by-purpose: {words}, epsilon-per-release: {{}}}}")
    assert first.options["at_most"] == {"teaching": Decimal(2), "research": Decimal("0.5")}
    assert isinstance(first.options["otherwise"], Decimal)
    assert (first.rule.enforcement, second.rule.enforcement) == ("advisory", "hard")
    assert [each.rule.id for each in (first, second)] == [
        "epsilon-by-purpose",
        "epsilon-per-release",
    ]


def test_every_type_of_option_is_taken() -> None:
    (lists,) = actives("{cross-border: {options: {adequate: [FR], countries: {phi: [US, CA]}}}}")
    assert lists.options == {"adequate": ("FR",), "countries": {"phi": ("US", "CA")}}
    (name,) = actives("{assumption-approval: {options: {role: legal}}}")
    assert name.options == {"role": "legal"}
    (counts,) = actives("{retention-by-class: {options: {days: {phi: 90}}}}")
    assert counts.options == {"days": {"phi": 90}}
    (flag,) = actives("{cool-down: {options: {increments: false}}}")
    assert flag.options == {"days": 30, "increments": False}


CASES = [
    (
        "{epsilon-by-purpos: {}}",
        "epsilon-by-purpos:",
        "no rule 'epsilon-by-purpos' in the catalogue",
        "did you mean 'epsilon-by-purpose' or",
    ),
    ("{zzz: {}}", "zzz:", "no rule 'zzz' in the catalogue", "list: docs/rules/README.md"),
    (
        "{epsilon-by-purpose: {options: {atmost: {}}}}",
        "atmost:",
        "rule epsilon-by-purpose has no option 'atmost'",
        "did you mean 'at_most'?",
    ),
    (
        "{epsilon-by-purpose: {options: {zzz: {}}}}",
        "zzz:",
        "rule epsilon-by-purpose has no option 'zzz'",
        "known: at_most, otherwise",
    ),
    (
        "{owner-is-not-steward: {options: {zzz: 1}}}",
        "zzz:",
        "rule owner-is-not-steward has no option 'zzz'",
        "known: none",
    ),
    (
        "{retention-by-class: {}}",
        "retention-by-class:",
        "rule retention-by-class needs its option days",
        "options: {days: {phi: 365}}: longest retention by class",
    ),
    (
        "{epsilon-by-purpose: {options: {at_most: 1}}}",
        "1}}}",
        "option at_most of epsilon-by-purpose: expected numbers by purpose; found 1",
        "",
    ),
    (
        "{retention-by-class: {options: {days: {phi: 1.5}}}}",
        "1.5",
        "option days of retention-by-class: expected a whole number from 0 up; found 1.5",
        "",
    ),
    (
        "{retention-by-class: {options: {days: [phi]}}}",
        "[phi]",
        (
            "option days of retention-by-class: expected whole numbers by class, such as {phi: 365}; "
            "found a list of 1"
        ),
        "",
    ),
    (
        "{epsilon-by-purpose: {options: {at_most: {fun: 1}}}}",
        "fun:",
        "option at_most of epsilon-by-purpose: no purpose 'fun' of the policy",
        "known here: vendor-testing, research, teaching",
    ),
    (
        "{person-level-protection: {options: {classes: [phi, demografic]}}}",
        "demografic]",
        "option classes of person-level-protection: no class 'demografic' of the policy",
        "did you mean 'demographic'?",
    ),
    (
        "{epsilon-by-class-and-purpose: {options: {at_most: {phi/teching: 1}}}}",
        "phi/teching:",
        "option at_most of epsilon-by-class-and-purpose: no purpose 'teching' of the policy",
        "did you mean 'teaching'?",
    ),
    (
        "{approvals-by-purpose: {options: {roles: {research: [ethics]}}}}",
        "ethics]",
        "option roles of approvals-by-purpose: no role 'ethics' of the policy",
        "known here: privacy, legal, runner",
    ),
    (
        "{allowed-formats: {options: {formats: [parket]}}}",
        "parket]",
        "option formats of allowed-formats: no format 'parket'",
        "did you mean 'parquet'?",
    ),
    (
        "{cross-border: {options: {adequate: [France]}}}",
        "France]",
        "option adequate of cross-border: expected a country code such as FR; found 'France'",
        "",
    ),
    (
        "{assumption-approval: {options: {role: 7}}}",
        "7}}}",
        "option role of assumption-approval: expected a name, such as legal; found 7",
        "",
    ),
    (
        "{cool-down: {options: {increments: 1}}}",
        "1}}}",
        "option increments of cool-down: expected true or false; found 1",
        "",
    ),
    (
        "{cool-down: {options: {days: true}}}",
        "true}}}",
        "option days of cool-down: expected a whole number from 0 up; found true",
        "",
    ),
    (
        "{cool-down: {options: {days: 4000}}}",
        "4000",
        "option days of cool-down: expected a number up to 3660; found 4000",
        "",
    ),
    (
        "{evidence-share: {options: {at_most: -0.1}}}",
        "-0.1",
        "option at_most of evidence-share: expected a number from 0 up; found -0.1",
        "",
    ),
    (
        "{required-terms: {options: {terms: [a, 1]}}}",
        "[a, 1]",
        "option terms of required-terms: expected a list of names; found a list of 2",
        "",
    ),
]


@pytest.mark.parametrize(("catalogue", "word", "message", "fix"), CASES)
def test_what_is_not_in_the_catalogue_is_an_error_at_its_place(
    catalogue: str, word: str, message: str, fix: str
) -> None:
    document = with_catalogue(catalogue)
    (problem,) = problems(document)
    assert problem.message == f"spec.catalogue: {message}"
    assert problem.fix.startswith(fix)
    assert bool(problem.fix) == bool(fix)
    line = document.split("\n")[problem.line - 1]
    assert line[problem.column - 1 :].startswith(word)


def test_everything_that_is_wrong_is_said_at_once_and_in_order() -> None:
    words = "{cool-down: {options: {days: x, dais: 1}}, nothing-like-it: {}, required-terms: {}}"
    found = problems(with_catalogue(words))
    assert [each.message.split()[1] for each in found] == ["option", "rule", "no"]
    assert [each.column for each in found] == sorted(each.column for each in found)


def test_a_rule_of_the_policys_own_cannot_have_the_name_of_one_that_is_switched_on() -> None:
    document = with_catalogue("{epsilon-by-purpose: {}}").replace(
        "  approvals:", f"  rules: [{RULE}]\n  approvals:", 1
    )
    (problem,) = problems(document)
    assert "id epsilon-by-purpose is that of one of the policy's own rules" in problem.message
    load(POLICY, document.replace("epsilon-by-purpose: {}", "required-terms: {}").encode())


def test_a_policy_without_a_catalogue_reads_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the catalogue was read")

    monkeypatch.setattr(choose, "problems", refuse)
    load(POLICY, with_catalogue("{}").encode())
    with pytest.raises(AssertionError, match="was read"):
        load(POLICY, with_catalogue("{required-terms: {}}").encode())
