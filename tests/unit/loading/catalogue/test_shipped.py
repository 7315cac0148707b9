"""What is shipped: every rule is whole, documented, and means what it meant when it was shipped."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path

import pytest

from dpgate.loading.canonical import canonical, sha256
from dpgate.loading.catalogue import pages, shipped, values
from dpgate.policy.builtin import BUILTIN
from tests.unit.policy.worlds import policy

ROOT = Path(__file__).parents[4]
PINNED = ROOT / "tests" / "assets" / "catalogue.json"
SPEC = policy().spec


def meaning(name: str) -> str:
    """A digest of what a rule decides: not of its words for people."""
    known = shipped.rule(name)
    parts = {
        "when": known.rule.when,
        "assert": known.rule.assert_,
        "options": {
            option: {"type": each.type, "default": json.loads(each.model_dump_json())["default"]}
            for option, each in known.options.items()
        },
        "enforcement": known.rule.enforcement,
    }
    return sha256(canonical(parts))


def test_there_are_rules_for_every_topic() -> None:
    topics = {shipped.rule(name).topic for name in shipped.names()}
    assert len(topics) == 6
    assert len(shipped.names()) >= 30


@pytest.mark.parametrize("name", shipped.names())
def test_a_rule_is_whole(name: str) -> None:
    known = shipped.rule(name)
    assert known.rule.id == name
    assert known.rule.help
    assert "\n" not in known.rule.help
    assert known.rule.at
    assert len(known.rationale) > 150
    for option in known.options.values():
        assert (option.default is None) != (option.suggested is None)
        given = option.suggested if option.default is None else option.default
        assert list(values.faults(option, given, SPEC)) == []


def test_no_rule_has_the_name_of_a_built_in_one() -> None:
    assert not set(shipped.names()) & set(BUILTIN)


def test_rules_mean_what_they_meant_when_they_were_shipped() -> None:
    """Records are judged again by the policy of their time: a rule that must change is a new rule.

    A new rule's digest is added to tests/assets/catalogue.json; no line there ever changes.
    """
    pinned = json.loads(PINNED.read_text(encoding="utf-8"))
    assert {name: meaning(name) for name in shipped.names()} == pinned


def test_the_pages_in_the_tree_are_those_of_the_catalogue() -> None:
    folder = ROOT / "docs" / "rules"
    assert {p.name: p.read_text(encoding="utf-8") for p in folder.iterdir()} == pages.pages()


def test_every_rule_has_a_page_and_a_line_in_the_index() -> None:
    made = pages.pages()
    assert set(made) == {"README.md", *(f"{name}.md" for name in shipped.names())}
    for name in shipped.names():
        assert made["README.md"].count(f"| [{name}]({name}.md) |") == 1


def test_writing_removes_pages_of_rules_that_are_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "rules"
    pages.write(folder)
    (folder / "gone.md").write_text("old")
    monkeypatch.setattr(sys, "argv", ["pages", str(folder)])
    monkeypatch.delitem(sys.modules, "dpgate.loading.catalogue.pages")
    runpy.run_module("dpgate.loading.catalogue.pages", run_name="__main__")
    assert {path.name for path in folder.iterdir()} == set(pages.pages())


@pytest.mark.parametrize(
    ("name", "later"), [("cool-down", True), ("joinable-recipient", True), ("cross-border", False)]
)
def test_a_page_says_when_its_rule_is_judged(name: str, later: bool) -> None:
    assert pages.needs_ledger(shipped.rule(name)) == later
    assert ("judged by `check`" in pages.pages()[f"{name}.md"]) != later
