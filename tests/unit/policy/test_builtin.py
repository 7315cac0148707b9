"""The list of built-in rules is the program's own: every finding it can make, and no other."""

from __future__ import annotations

import ast
import inspect
import pkgutil
from pathlib import Path

from dpgate.gate.consent import REFUSED
from dpgate.gate.product import Shortfall
from dpgate.policy.builtin import BUILTIN

ENGINE = Path(__file__).parents[3] / "engine" / "dpgate"


def made() -> set[str]:
    """Ids that stand in the source where a finding or a shortfall is made.

    Reports show what is no finding (an attempt that runs) as one, under ids of their own.
    """
    found = set()
    for path in set(ENGINE.rglob("*.py")) - set((ENGINE / "report").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            name = node.func.id if isinstance(node.func, ast.Name) else name
            given = {word.arg: word.value for word in node.keywords}
            rule = given.get("rule", node.args[0] if name == "finding" and node.args else None)
            if isinstance(rule, ast.Constant) and isinstance(rule.value, str):
                found.add(rule.value)
    return found


def test_every_finding_that_can_be_made_is_listed_and_no_other() -> None:
    by_name = {
        REFUSED,
        Shortfall(message="", fix="", path=()).rule,
    }  # ids that stand there under another name
    assert set(BUILTIN) == made() | by_name


def test_each_one_names_the_function_that_makes_it() -> None:
    for rule in BUILTIN.values():
        assert callable(pkgutil.resolve_name(rule.where))


def test_they_are_said_in_words() -> None:
    for name, rule in BUILTIN.items():
        assert rule.id == name
        assert not rule.title.endswith(".")
        assert rule.because.endswith(".")
        assert all(key == inspect.cleandoc(key) for key in rule.reads)
