"""A request cannot delete a refusal of what it leaves as it is, however it goes about it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.team import DATASET, MANIFEST, POLICY, RELEASE, Team

pytestmark = pytest.mark.slow


def refused(team: Team, what: str = RELEASE) -> Path:
    """A refusal that was merged; the request begins behind it."""
    (team.clone / "policies" / "approvals" / "stray.dsse.json").write_text("{}")
    done = team.api.refuse(what, role="legal", key=team.key("legal"), reason="No basis for it")
    team.commit("A refusal")
    team.git("switch", "-q", "-c", "request")
    return Path(team.clone / done.path)


def found(team: Team) -> list[tuple[str, str, str]]:
    findings = team.api.check(changed="main").findings
    return [(f.rule, f.level, f.file) for f in findings if f.rule == "refusal-removed"]


def _delete(file: Path) -> None:
    file.unlink()


def _spoil(file: Path) -> None:
    file.write_bytes(file.read_bytes().rstrip(b"\n"))


def _hide(file: Path) -> None:
    file.rename(file.with_name("a b.dsse.json"))


def _link(file: Path) -> None:
    elsewhere = file.parent.parent / "kept"
    file.parent.rename(elsewhere)
    file.parent.symlink_to("kept")


@pytest.mark.parametrize("harm", [_delete, _spoil, _hide, _link])
@pytest.mark.parametrize("commit", [True, False])
def test_a_refusal_that_is_taken_away(
    team: Team, harm: Callable[[Path], None], commit: bool
) -> None:
    file = refused(team)
    assert found(team) == []
    harm(file)
    if commit:
        team.git("add", "-A")
        team.git("commit", "-q", "-m", "Tidy up")
    path = file.relative_to(team.clone).as_posix()
    assert found(team) == [("refusal-removed", "deny", path)]
    (finding,) = [f for f in team.api.check(changed="main").findings if f.file == path]
    assert finding.message.endswith("refuses what this request leaves as it is: No basis for it")


def test_one_of_a_policy(team: Team) -> None:
    team.edit(POLICY, "730", "729")
    file = refused(team, "policy")
    file.unlink()
    (file.parent / "stray.dsse.json").unlink()  # nothing that says No
    assert [path for _, _, path in found(team)] == [file.relative_to(team.clone).as_posix()]
    team.edit(POLICY, "729", "728")
    assert found(team) == []


@pytest.mark.parametrize("path", [MANIFEST, DATASET])
def test_what_was_refused_may_change_and_the_refusal_go(team: Team, path: str) -> None:
    file = refused(team)
    file.unlink()
    (team.clone / path).write_text((team.clone / path).read_text() + "# changed\n")
    assert found(team) == []
    shutil.rmtree((team.clone / MANIFEST).parent)
    assert found(team) == []


def test_one_that_lies_elsewhere_refused_nothing(team: Team) -> None:
    file = refused(team)
    other = team.copy_manifest("other")
    place = team.clone / "releases" / other / "approvals" / file.name
    place.parent.mkdir()
    shutil.copy(file, place)
    team.git("add", "-A")
    team.git("commit", "-q", "-m", "A copy")
    team.git("branch", "-f", "main", "HEAD")
    place.unlink()
    assert found(team) == []
    file.rename(file.with_name("renamed.dsse.json"))
    assert found(team) == []
