"""The Python interface: every verb, found late and cheaply."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys

import pytest

import dpgate
from dpgate.model.values import Frozen
from tests.team import RELEASE, Team

HEAVY = ("jax", "numpy", "opendp", "pandas", "pyarrow", "torch")


def loaded_after(program: str, *names: str) -> set[str]:
    """Which of these modules a fresh interpreter has loaded after a program."""
    done = subprocess.run(
        [sys.executable, "-c", f"{program}\nimport sys\nprint(*set({names!r}) & set(sys.modules))"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split()) if done.stdout.strip() else set()


def test_importing_the_package_imports_nothing_else() -> None:
    heavy = loaded_after("import dpgate", "pydantic", "click", "yaml", "git", *HEAVY)
    assert heavy == set()


def test_importing_a_verb_imports_what_it_needs() -> None:
    assert loaded_after("from dpgate import check", "pydantic", "click", *HEAVY) == {"pydantic"}


def in_process(team: Team, *words: str) -> str:
    return (
        f"import os; os.chdir({str(team.clone)!r})\n"
        "from dpgate.cli.main import main\n"
        f"try: main({list(words)!r})\n"
        "except SystemExit as end: assert end.code in (0, 1), end.code\n"
    )


def test_check_needs_no_numerics_no_git_and_no_ledger(team: Team) -> None:
    slow = ("git", "dpgate.gate.verify", "dpgate.gate.standing", *HEAVY)
    assert loaded_after(in_process(team, "check"), "click", *slow) == {"click"}


@pytest.mark.parametrize(
    "words",
    [
        ("plan", RELEASE),
        ("verify",),
        ("ledger", "show"),
        ("ledger", "explain", "2"),
        ("ledger", "what-if", RELEASE),
        ("policy", "pending"),
    ],
)
def test_whoever_only_plans_and_verifies_needs_no_extra(
    released_team: Team, words: tuple[str, ...]
) -> None:
    extras = ("jax", "numpy", "pandas", "pyarrow", "pyrage", "scipy", "torch")
    absent = f"import sys; sys.modules.update(dict.fromkeys({extras!r}))\n"
    loaded_after(absent + in_process(released_team, *words))


@pytest.mark.parametrize("name", dpgate.__all__)
def test_every_name_is_a_documented_function_with_types(name: str) -> None:
    verb = getattr(dpgate, name)
    assert inspect.isfunction(verb)
    assert verb.__module__ == dpgate._VERBS[name]
    assert inspect.getdoc(verb)
    signature = inspect.signature(verb)
    assert signature.return_annotation is not inspect.Parameter.empty
    assert "Any" not in str(signature)


def test_the_names_are_those_of_the_table_and_of_the_type_checker() -> None:
    assert list(dpgate._VERBS) == sorted(dpgate._VERBS)
    assert dpgate.__all__ == sorted(dpgate._VERBS)
    source = inspect.getsource(dpgate)
    block = source.partition("if TYPE_CHECKING:")[2].partition("def ")[0]
    imported = {part.strip() for line in block.splitlines() if " import " in line
                for part in line.partition(" import ")[2].split(",")}  # fmt: skip
    assert imported == set(dpgate.__all__)


def test_other_names_are_attribute_errors() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'spend_it_all'"):
        _ = dpgate.spend_it_all
    with pytest.raises(ImportError):
        importlib.import_module("dpgate.spend_it_all")


def test_results_are_frozen_and_say_what_they_are(team: Team) -> None:
    result = dpgate.check(team.clone)
    assert isinstance(result, Frozen)
    assert result.schema_ == "dpgate.check/v1"
    with pytest.raises(ValueError, match="frozen"):
        setattr(result, "allowed", False)  # noqa: B010 - what a type checker would refuse
    again = type(result).model_validate_json(result.model_dump_json(by_alias=True))
    assert again == result
