"""The rule on real data, seen from outside: a run of pytest in a folder of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

CONFTEST = Path(__file__).resolve().parents[1] / "conftest.py"
SUITE = """
import pytest

def test_file(data_file):
    assert data_file("adult.csv").read_text() == "age"

def test_skips_by_itself(data_file):
    pytest.skip("too slow today")

def test_without_data():
    pytest.skip("not for this platform")
"""


def outcome(folder: Path, data: Path | None) -> str:
    """The last line of pytest's report."""
    shutil.copy(CONFTEST, folder / "conftest.py")
    (folder / "test_suite.py").write_text(SUITE, encoding="utf-8")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("DPGATE_", "PYTEST_"))}
    if data is not None:
        environment["DPGATE_TEST_DATA"] = str(data)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", folder],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("promised", "present", "expected"),
    [
        (False, False, "3 skipped"),
        (True, True, "1 failed, 1 passed, 1 skipped"),
        (True, False, "2 failed, 1 skipped"),
    ],
)
def test_a_skip_for_want_of_data_fails_once_data_is_promised(
    tmp_path: Path, promised: bool, present: bool, expected: str
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    if present:
        (data / "adult.csv").write_text("age", encoding="utf-8")
    suite = tmp_path / "suite"
    suite.mkdir()
    assert outcome(suite, data if promised else None).startswith(expected)
