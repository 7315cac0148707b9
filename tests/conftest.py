"""Fixtures that every tier shares, and the rule on real data.

`DPGATE_TEST_DATA` names a folder with real datasets. Without it, the tests that need one skip and
say why. With it, a skip of such a test is a failure, so that a merge gate cannot pass by not
looking.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
VARIABLE = "DPGATE_TEST_DATA"


@pytest.fixture(scope="session")
def data_file() -> Callable[[str], Path]:
    """Finds a file of the real data by name, or skips the test."""

    def find(name: str) -> Path:
        folder = os.environ.get(VARIABLE)
        if not folder:
            pytest.skip(f"{VARIABLE} is not set: it names the folder that holds {name}")
        path = Path(folder) / name
        if not path.is_file():
            pytest.fail(f"{VARIABLE} is set, but {name} is not in that folder")
        return path

    return find


@pytest.fixture(scope="session")
def rand_parquet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The RAND Health Insurance Experiment as the loader of releases/rand-health writes it."""
    path = tmp_path_factory.mktemp("rand-health") / "rand-health.parquet"
    loader = ROOT / "releases" / "rand-health" / "load.py"
    subprocess.run([sys.executable, loader, path], check=True, capture_output=True)
    return path


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn the skip of a test on real data into a failure while that data is promised."""
    report = yield
    needs_data = "data_file" in getattr(item, "fixturenames", ())
    if (
        report.skipped
        and needs_data
        and os.environ.get(VARIABLE)
        and not hasattr(report, "wasxfail")
    ):
        report.outcome = "failed"
        report.longrepr = f"{VARIABLE} is set, so this test may not skip: {report.longrepr}"
    return report
