"""`dpgate compare` as a person runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dpgate.evidence.page.write import as_json
from tests.unit.cli.conftest import Run
from tests.unit.evidence.page import reports
from tests.unit.evidence.page.pages import checked

HEAVY = ("jax", "numpy", "opendp", "pandas", "pyarrow", "scipy", "torch", "git", "jinja2")


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    made = [tmp_path / name for name in ("one", "two", "three")]
    for place, folder in enumerate(made):
        folder.mkdir()
        (folder / "evidence.json").write_bytes(as_json(reports.beside(place)))
    return made


def test_a_table_in_the_terminal(run: Run, folders: list[Path]) -> None:
    ended = run("compare", *folders)
    assert (ended.code, ended.err) == (0, "")
    lines = [" ".join(line.split()) for line in ended.out.splitlines()]
    assert lines[0].startswith("A rand-health/2026q4-vendor-testing rehearsal, aim")
    assert "ε 1 0.5 0.25" in lines
    assert "δ 1e-9 1e-9 1e-9" in lines
    assert "thresholds met 10 of 11 7 of 11 4 of 11" in lines
    assert "marginal tvd of order 1 0.0142 ★ 0.0342 ✗ 0.0542 ✗ ≤ 0.03 dp" in lines
    assert "advantage of linkage 0 ★ 0.02 0.04 ≤ 0.05 dp" in lines
    assert "detectability sealed sealed sealed ≤ 0.65 restricted" in lines
    assert lines[-1].startswith("A passing attack test proves nothing; a failing one denies.")
    for word in ("safe", "private", "better privacy", "more private", "stronger"):
        assert word not in ended.out


def test_other_formats_and_files(run: Run, folders: list[Path], tmp_path: Path) -> None:
    page, text = tmp_path / "c.html", tmp_path / "c.md"
    ended = run(
        "compare", *folders, "--html", page, "--output", f"markdown={text}", "--format", "json"
    )
    assert ended.json["schema"] == "dpgate.compare/v1"
    assert ended.json["rows"][0]["cells"][0]["best"] is True
    assert "0.0142 ★ 0.0102 to 0.0182" in checked(page.read_bytes()).text()
    assert text.read_text(encoding="utf-8").startswith(
        "<!-- dpgate:compare -->\n### dpgate compare"
    )
    assert run("compare", *folders, "--format", "html").out == page.read_text(encoding="utf-8")


def test_a_release_beside_a_rehearsal(run: Run, folders: list[Path], tmp_path: Path) -> None:
    report = reports.release(unprotected_bits=2)
    (tmp_path / "x.json").write_bytes(as_json(report))
    ended = run("compare", folders[0], tmp_path / "x.json")
    assert ended.code == 0
    assert "! values cannot be compared: releases stand beside rehearsals" in ended.out
    assert "1 plus 2 unprotected bits" in ended.out
    assert "★" not in ended.out.partition("★ best value")[0]


def test_what_is_no_report_ends_it(run: Run, folders: list[Path], tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"\\u001b[31m<b>": 1}', encoding="utf-8")
    page = tmp_path / "c.html"
    ended = run("compare", folders[0], tmp_path / "x.json", "--html", page)
    assert (ended.code, ended.out) == (2, "")
    assert "no report of evidence" in ended.err
    assert "\x1b" not in ended.err
    assert "no report of evidence" in checked(page.read_bytes()).text()
    assert run("compare", folders[0]).code == 2
    assert run("compare").code == 2
    assert run("compare", folders[0], tmp_path / "none").code == 2


@pytest.mark.parametrize("place", ["-", "no/such/c.html", "."])
def test_a_page_goes_to_a_file(run: Run, folders: list[Path], place: str) -> None:
    assert run("compare", *folders, "--html", place).code == 2


def test_two_reports_for_one_file(run: Run, folders: list[Path], tmp_path: Path) -> None:
    page = tmp_path / "c.html"
    ended = run("compare", *folders, "--html", page, "--output", f"json={page}")
    assert ended.code == 2
    assert "two reports for" in checked(page.read_bytes()).text()


def test_it_starts_without_numerics(folders: list[Path]) -> None:
    program = (
        "import sys\nfrom dpgate.cli.main import main\n"
        f"try: main(['compare', *{[str(folder) for folder in folders]!r}])\n"
        "except SystemExit as end: assert end.code == 0\n"
        f"print('loaded', *set({HEAVY!r}) & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "loaded"
