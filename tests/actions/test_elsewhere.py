"""The examples for GitLab, cron and pre-commit, run as those would run them."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import yaml

from dpgate import __version__
from tests.actions.runner import machine
from tests.team import MANIFEST, POLICY, RELEASE, Team

ROOT = Path(__file__).resolve().parents[2]
GITLAB = ROOT / "docs/ci/gitlab-ci.yml"
CRON = ROOT / "docs/ci/cron.sh"
HOOK = ROOT / ".pre-commit-hooks.yaml"


def gitlab(
    team: Team, job: str, commit: str, variables: Mapping[str, str]
) -> tuple[subprocess.CompletedProcess[str], Path]:
    """One job, in a clone as GitLab makes it: whole, of one ref, without a branch."""
    body = yaml.safe_load(GITLAB.read_text())
    clone = team.folder / f"builds-{commit[:8]}-{job[7:]}"
    team.git("init", "-q", str(clone), cwd=team.folder)
    team.git("remote", "add", "origin", f"file://{team.remote}", cwd=clone)
    team.git("fetch", "-q", "origin", f"+{commit}:refs/pipelines/1", cwd=clone)
    team.git("checkout", "-q", "--detach", commit, cwd=clone)
    lines = [*body[job].get("before_script", []), *body[job]["script"]]
    home = team.folder / "home"
    home.mkdir(exist_ok=True)
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", "\n".join(lines)],
        cwd=clone, capture_output=True, text=True, check=False,
        env={
            **machine(team.environment), **body["variables"], "HOME": str(home), "CI": "true",
            "GITLAB_CI": "true", "CI_COMMIT_SHA": commit, **variables,
        },
    )  # fmt: skip
    return done, clone


def request(team: Team) -> str:
    team.git("switch", "-q", "-c", "request")
    release = team.copy_manifest("quarter")
    team.git("add", "-A")
    team.git("commit", "-q", "-m", "Request")
    team.git("push", "-q", "origin", "request")
    return release


def test_a_merge_request_on_gitlab(team: Team, index: dict[str, str]) -> None:
    release = request(team)
    head = team.git("rev-parse", "HEAD")
    variables = {
        **index, "DPGATE_ROOT": team.root,
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": team.git("rev-parse", "main"),
    }  # fmt: skip
    done, clone = gitlab(team, "dpgate check", head, variables)
    assert done.returncode == 1, done.stderr
    assert "privacy ✗ 0 of 1" in done.stdout
    job = yaml.safe_load(GITLAB.read_text())["dpgate check"]
    junit = ET.parse(clone / job["artifacts"]["reports"]["junit"])
    assert release in ET.tostring(junit.getroot(), encoding="unicode")
    assert "not yet" in (clone / "dpgate-report/report.md").read_text()
    assert not [line for line in done.stdout.splitlines() if line.startswith("::")]


def test_a_merge_on_gitlab(team: Team) -> None:
    team.approve()
    head = team.git("rev-parse", "HEAD")
    rewrite = {
        "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"url.file://{team.remote}.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://dpgate:glpat-token@gitlab.invalid/acme/releases.git",
    }  # fmt: skip
    variables = {
        **rewrite, "DPGATE_ROOT": team.root, "DPGATE_SOURCE": str(team.data),
        "DPGATE_KEY": team.key_file("runner"), "DPGATE_PUSH_TOKEN": "glpat-token",
        "CI_COMMIT_BRANCH": "main", "CI_SERVER_HOST": "gitlab.invalid",
        "CI_PROJECT_PATH": "acme/releases",
    }  # fmt: skip
    done, clone = gitlab(team, "dpgate release", head, variables)
    assert done.returncode == 0, done.stderr
    assert (clone / "dpgate-record" / RELEASE / "card.md").is_file()
    assert "glpat-token" not in done.stdout + done.stderr
    assert len(team.ledger()) == 3


def test_the_gitlab_example_installs_this_version() -> None:
    assert f"dpgate=={__version__}" in GITLAB.read_text()
    job = yaml.safe_load(GITLAB.read_text())["dpgate release"]
    assert job["resource_group"]
    assert job["interruptible"] is False


def cron(team: Team, clone: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    given = {
        "DPGATE_ROOT": team.root, "DPGATE_SOURCE": str(team.data), "TMPDIR": str(team.folder),
        "DPGATE_KEY": team.key_file("runner"), "DPGATE_OUT": str(team.folder / "out"), **variables,
    }  # fmt: skip
    environment = {k: v for k, v in {**machine(team.environment), **given}.items() if v}
    return subprocess.run(
        [CRON, clone], env=environment, capture_output=True, text=True, check=False
    )


def test_cron_releases_what_was_merged_meanwhile(team: Team) -> None:
    clone = team.second_clone("timer").clone
    team.approve()
    (clone / MANIFEST).write_text("edited by hand, and not wanted")
    done = cron(team, clone)
    assert done.returncode == 0, done.stderr
    assert (team.folder / "out" / RELEASE / "card.json").is_file()
    again = cron(team, clone)
    assert again.returncode == 0
    assert "0 releases made" in again.stdout


def test_cron_runs_one_at_a_time_and_needs_its_variables(team: Team) -> None:
    lock = team.folder / f"dpgate-{os.getuid()}.lock"
    with subprocess.Popen(["flock", lock, "sleep", "60"]) as holder:
        while subprocess.run(["flock", "-n", lock, "true"], check=False).returncode == 0:
            pass
        done = cron(team, team.clone)
        holder.kill()
    assert (done.returncode, done.stdout) == (0, "another run is going on\n")
    for name in ("DPGATE_ROOT", "DPGATE_SOURCE", "DPGATE_KEY"):
        done = cron(team, team.clone, **{name: ""})
        assert done.returncode == 1
        assert name in done.stderr


def hook(team: Team, *names: str) -> subprocess.CompletedProcess[str] | None:
    """The hook as pre-commit calls it: if a changed file is one of its own, from the top of the tree."""
    (about,) = yaml.safe_load(HOOK.read_text())
    assert (about["id"], about["language"]) == ("dpgate-check", "python")
    mine = [name for name in names if re.search(about["files"], name)]
    if not mine:
        return None
    words = shlex.split(about["entry"]) + (mine if about["pass_filenames"] else [])
    return subprocess.run(
        words, cwd=team.clone, capture_output=True, text=True, check=False,
        env={**machine(team.environment), "GIT_INDEX_FILE": ".git/index", "PRE_COMMIT": "1"},
    )  # fmt: skip


def changed(team: Team) -> list[str]:
    team.git("add", "-A")
    return team.git("diff", "--cached", "--name-only", "--diff-filter=d").splitlines()


def test_pre_commit_lets_a_sound_change_pass(team: Team) -> None:
    team.edit(MANIFEST, "rows: 1000", "rows: 2000")
    team.write("releases/clinic-visits/README.md", "not a document")
    done = hook(team, *changed(team))
    assert done is not None
    assert done.returncode == 0, done.stderr
    assert "1 manifest of" in done.stdout


@pytest.mark.parametrize(
    ("path", "old", "new", "code"),
    [
        (MANIFEST, "purpose: vendor-testing", "purpose: marketing", 1),
        (MANIFEST, "epsilon: 1.0", "epsilon: lots", 2),
        (POLICY, "epsilon_per_release_at_most: 1,", "epsilon_per_release_at_most: 0.5,", 1),
    ],
)
def test_pre_commit_stops_what_the_rules_deny(
    team: Team, path: str, old: str, new: str, code: int
) -> None:
    team.edit(path, old, new)
    done = hook(team, *changed(team))
    assert done is not None
    assert done.returncode == code, done.stdout + done.stderr


def test_pre_commit_stops_a_change_of_the_ledger(team: Team) -> None:
    team.write("releases/ledger/000002-reserve.dsse.json", json.dumps({}))
    done = hook(team, *changed(team))
    assert done is not None
    assert done.returncode == 1
    assert "is the ledger's" in done.stdout


def test_pre_commit_leaves_other_files_alone(team: Team) -> None:
    team.write("README.md", "hello")
    assert hook(team, *changed(team)) is None
