"""Rules of this house that no linter states: sizes, silence below the command line, laziness."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ENGINE = ROOT / "engine" / "dpgate"
MODULES = sorted(ENGINE.rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))

LINES_PER_FILE = 400
LINES_PER_FUNCTION = 50

SPEAKING = ("cli", "demo")
"""Packages that may print and exit: what a person runs."""

EXITS = {"sys.exit", "os._exit", "exit", "quit", "os.abort"}
WRITES = {"print", "sys.stdout.write", "sys.stderr.write", "warnings.warn"}

HEAVY = ("jax", "numpy", "opendp", "pandas", "pyarrow", "scipy", "torch")
"""Packages that take long to import or that records and rules have no use for."""


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def speaks(path: Path) -> bool:
    return path.relative_to(ENGINE).parts[0].removesuffix(".py") in SPEAKING


def dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def offences(source: str) -> Iterator[str]:
    """Each place where a source exits the process or writes to the terminal."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and dotted(node.func) in EXITS | WRITES:
            yield f"line {node.lineno}: {dotted(node.func)}"
        if isinstance(node, ast.Raise) and node.exc is not None:
            raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            if dotted(raised) == "SystemExit":
                yield f"line {node.lineno}: raise SystemExit"


@pytest.mark.parametrize("path", [p for p in MODULES if not speaks(p)], ids=name_of)
def test_below_the_command_line_nothing_prints_or_exits(path: Path) -> None:
    assert list(offences(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "source",
    [
        "print(1)",
        "import sys\nsys.exit(1)",
        "raise SystemExit",
        "raise SystemExit(2)",
        "os._exit(1)",
    ],
)
def test_the_search_for_prints_and_exits_finds_them(source: str) -> None:
    assert len(list(offences(source))) == 1


@pytest.mark.parametrize("path", MODULES + TESTS, ids=name_of)
def test_files_and_functions_stay_short(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= LINES_PER_FILE
    long = {
        node.name: lines
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or 0) - node.lineno + 1) > LINES_PER_FUNCTION
    }
    assert long == {}


@pytest.mark.parametrize(
    "path", [p for p in MODULES if p.name == "__init__.py" and p.parent != ENGINE], ids=name_of
)
def test_a_package_file_holds_only_a_docstring(path: Path) -> None:
    body = ast.parse(path.read_text(encoding="utf-8")).body
    assert len(body) == 1
    assert isinstance(body[0], ast.Expr)
    assert isinstance(body[0].value, ast.Constant)
    assert isinstance(body[0].value.value, str)


@pytest.mark.parametrize("floor", ["model", "loading", "policy", "ledger", "cli"])
def test_documents_rules_and_records_load_without_numerics(floor: str) -> None:
    modules = [
        ".".join(p.relative_to(ENGINE.parent).with_suffix("").parts)
        for p in MODULES
        if p.is_relative_to(ENGINE / floor) and p.stem not in {"__init__", "__main__"}
    ]
    program = (
        "import importlib, sys\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        f"print(*sorted(set({HEAVY!r}) & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
