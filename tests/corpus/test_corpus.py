"""Every attack of the corpus is found, where and how its case says; what is not attacked verifies.

A case is a folder: README.md for people, case.toml with what must be found, and a function of the same
name in one of the attack modules.
"""

from __future__ import annotations

import fnmatch
import inspect
import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.corpus import (
    attacks_chain,
    attacks_clone,
    attacks_consent,
    attacks_ending,
    attacks_git,
    attacks_policy,
    attacks_refusal,
    attacks_runner,
    attacks_sample,
    attacks_waiver,
)
from tests.corpus.scene import Found, Scene

HERE = Path(__file__).resolve().parent
MODULES = (
    attacks_chain,
    attacks_git,
    attacks_consent,
    attacks_policy,
    attacks_refusal,
    attacks_runner,
    attacks_ending,
    attacks_sample,
    attacks_clone,
    attacks_waiver,
)
ATTACKS: dict[str, Callable[[Scene], Found]] = {
    name.replace("_", "-"): function
    for module in MODULES
    for name, function in inspect.getmembers(module, inspect.isfunction)
    if function.__module__ == module.__name__ and not name.startswith("_")
}
CASES = sorted(path.parent.name for path in HERE.glob("*/case.toml"))
KEYS = {"exit", "step", "says"}


def test_every_attack_has_its_folder_and_every_folder_its_attack() -> None:
    folders = {path.name for path in HERE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders == set(CASES) == set(ATTACKS)


@pytest.mark.parametrize("name", CASES)
def test_a_case_is_told_in_a_few_sentences(name: str) -> None:
    text = (HERE / name / "README.md").read_text(encoding="utf-8")
    title, _, body = text.partition("\n\n")
    assert title.startswith("# ")
    assert 2 <= body.count(". ") + body.count(".\n") <= 6, body
    expected = tomllib.loads((HERE / name / "case.toml").read_text(encoding="utf-8"))
    assert expected.keys() == KEYS
    assert expected["exit"] in (0, 1, 3, 4)
    assert (expected["exit"] == 3) == bool(expected["step"])
    if not expected["exit"]:
        assert "not found" in body or "harmless" in body


def test_what_was_not_attacked_verifies(scene: Scene) -> None:
    for memory in (False, True):
        assert scene.verify(memory=memory, checkpoint=scene.note) == Found(0, "", "")
    assert len(scene.files) == 9


def test_signing_the_past_again_unchanged_changes_nothing(scene: Scene) -> None:
    before = scene.files
    scene.rewrite(2, lambda entry: entry)
    assert scene.files == before


@pytest.mark.parametrize("name", CASES)
def test_the_attack_is_found(name: str, scene: Scene) -> None:
    expected = tomllib.loads((HERE / name / "case.toml").read_text(encoding="utf-8"))
    found = ATTACKS[name](scene)
    assert (found.exit_code, found.step) == (expected["exit"], expected["step"]), found
    for words in expected["says"]:
        assert words in found.said
    for trap in scene.traps:
        assert not trap.marker.exists(), "the repository ran a program on the auditor's machine"
        scene.spring(trap)
        assert trap.marker.exists(), "this trap would not have caught anybody"


def test_the_threat_model_names_cases_that_exist() -> None:
    text = (HERE.parents[1] / "docs" / "threat-model.md").read_text(encoding="utf-8")
    defended = text.partition("## What is defended")[2]
    named = re.findall(r"`([a-z0-9*]+(?:-[a-z0-9*]+)+)`", defended)
    assert len(named) > 40
    assert [pattern for pattern in named if not fnmatch.filter(CASES, pattern)] == []
