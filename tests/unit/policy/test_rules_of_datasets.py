"""Rules that a dataset adds: beside the organization's, under names of their own, never waived."""

from __future__ import annotations

import pytest

from dpgate.errors import DocumentError
from dpgate.loading.documents import load
from dpgate.policy.rulebook import rules_for, rules_of, taken
from tests.unit.policy.worlds import DATASET, POLICY, loaded, text, with_catalogue

OWN = "{id: NAME, title: Own, assert: 'true', message: none}"


def with_rule(name: str, more: str = "") -> str:
    rule = OWN.replace("NAME", name).replace("}", f"{more}}}")
    return text(DATASET).replace("  rows:", f"  rules:\n    - {rule}\n  rows:", 1)


def faults(source: str) -> list[str]:
    with pytest.raises(DocumentError) as caught:
        load(DATASET, source.encode())
    return [problem.message for problem in caught.value.problems]


def test_they_come_after_the_organizations() -> None:
    dataset_file = load(DATASET, with_rule("own").encode())
    bounds = rules_for(loaded(POLICY), dataset_file)
    assert bounds[:-1] == rules_of(loaded(POLICY))
    assert (bounds[-1].rule.id, bounds[-1].origin, bounds[-1].loaded) == (
        "own",
        "dataset",
        dataset_file,
    )
    assert bounds[-1].path == ("spec", "rules", 0)
    assert taken(bounds) == ()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("class-epsilon", "there is a built-in rule of this name"),
        ("cool-down", "the organization has a rule of this name (policies/organization.yaml:"),
        ("mine", "the organization has a rule of this name (policies/organization.yaml:"),
    ],
)
def test_the_name_of_another_rule_is_an_error_that_names_both_places(name: str, words: str) -> None:
    source = f"{with_catalogue('{cool-down: {}}')}  rules:\n    - {OWN.replace('NAME', 'mine')}\n"
    policy_file = load(POLICY, source.encode())
    bounds = rules_for(policy_file, load(DATASET, with_rule(name).encode()))
    (problem,) = taken(bounds)
    assert f"rule {name}: {words}" in problem.message
    line = with_rule(name).split("\n")[problem.line - 1]
    assert line[problem.column - 1 :].startswith(f"{name}, title")
    if name != "class-epsilon":
        number, column = (int(n) for n in problem.message.rstrip(")").split(":")[-2:])
        assert source.split("\n")[number - 1][column - 1 :].startswith(name)


def test_a_soft_one_is_refused_for_no_waiver_lifts_it() -> None:
    (message,) = faults(with_rule("own", ", enforcement: soft"))
    assert "a dataset's rule is hard or advisory, since no waiver lifts it; own is soft" in message
    load(DATASET, with_rule("own", ", enforcement: advisory").encode())


def test_two_of_one_name_are_refused() -> None:
    source = with_rule("own").replace("  rows:", f"    - {OWN.replace('NAME', 'own')}\n  rows:", 1)
    (message,) = faults(source)
    assert "each rule needs an id of its own; own is given twice" in message
