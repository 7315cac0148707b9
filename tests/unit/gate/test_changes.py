"""What a request changes: which manifests it is about, and that it leaves the ledger alone."""

from __future__ import annotations

import shutil

import pytest

import dpgate
from dpgate.errors import UndecidedError, UsageError
from dpgate.gate.changes import changes
from dpgate.gate.workspace import workspace
from tests.suites import waiving
from tests.team import BRANCH, DATASET, MANIFEST, POLICY, RELEASE, Team


def request(team: Team, *, commit: bool = True) -> None:
    """A branch with what was edited."""
    team.git("switch", "-q", "-c", "request")
    if commit:
        team.git("add", "-A")
        team.git("commit", "-q", "--allow-empty", "-m", "Request")


def rules(team: Team) -> list[tuple[str, str, str]]:
    found = team.api.check(changed="main").findings
    return [(finding.rule, finding.level, finding.file) for finding in found]


@pytest.mark.parametrize("commit", [True, False])
def test_only_manifests_that_changed_are_judged(fresh_team: Team, commit: bool) -> None:
    team = fresh_team
    other = team.copy_manifest("other")
    team.commit()
    assert team.api.check(changed="main").releases == ()
    team.edit(f"releases/{other}/release.yaml", "rows: 1000", "rows: 2000")
    request(team, commit=commit)
    result = team.api.check(changed="main")
    assert result.releases == (other,)
    assert result.allowed


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [(DATASET, "at_most: 500000", "at_most: 500001"), (POLICY, "730", "729")],
)
def test_a_dataset_or_the_policy_concerns_all_its_manifests(
    fresh_team: Team, path: str, old: str, new: str
) -> None:
    other = fresh_team.copy_manifest("other")
    fresh_team.commit()
    fresh_team.edit(path, old, new)
    request(fresh_team)
    assert set(fresh_team.api.check(changed="main").releases) == {RELEASE, other}


def test_a_waiver_concerns_the_manifest_that_it_is_for(fresh_team: Team) -> None:
    team = fresh_team
    other = team.copy_manifest("other")
    team.commit()
    team.write("policies/waivers/terms.yaml", waiving.text(release=other))
    request(team)
    assert team.api.check(changed="main").releases == (other,)
    team.write("policies/waivers/terms/approvals/x.dsse.json", "{}")
    assert team.api.check(changed="main").releases == (other,)
    team.git("add", "-A")
    team.git("commit", "-q", "-m", "A waiver")
    team.git("branch", "-f", "main", "HEAD")
    (team.clone / "policies/waivers/terms.yaml").unlink()
    assert set(team.api.check(changed="main").releases) == {RELEASE, other}


def test_what_the_base_gained_since_is_not_the_requests(fresh_team: Team) -> None:
    team = fresh_team
    request(team)
    team.edit(MANIFEST, "rows: 1000", "rows: 2000")
    team.git("commit", "-q", "-am", "Mine")
    team.git("switch", "-q", "main")
    team.copy_manifest("theirs")
    team.commit()
    team.git("switch", "-q", "request")
    assert team.api.check(changed="main").releases == (RELEASE,)
    team.git("merge", "-q", "main")
    assert team.api.check(changed="main").releases == (RELEASE,)


@pytest.mark.parametrize(
    "path", ["releases/ledger/000002-reserve.dsse.json", "releases/Ledger/x", "releases/ledger"]
)
@pytest.mark.parametrize("commit", [True, False])
def test_a_request_leaves_the_ledger_alone(fresh_team: Team, path: str, commit: bool) -> None:
    fresh_team.write(path, "{}")
    request(fresh_team, commit=commit)
    assert rules(fresh_team) == [("ledger-paths", "deny", path)]
    assert dpgate.check(fresh_team.clone).allowed  # without a base there is nothing to compare


def test_a_ledger_entry_that_is_removed_or_linked(fresh_team: Team) -> None:
    team = fresh_team
    team.write("releases/ledger/000001-genesis.dsse.json", "{}")
    team.write("releases/ledger/000002-reserve.dsse.json", "{}")
    team.commit()
    (team.clone / "releases/ledger/000001-genesis.dsse.json").unlink()
    (team.clone / "releases/ledger/000002-reserve.dsse.json").unlink()
    (team.clone / "releases/ledger/000002-reserve.dsse.json").symlink_to("/etc/passwd")
    (team.clone / "releases/ledger/folder").symlink_to("/etc")
    names = ("000001-genesis.dsse.json", "000002-reserve.dsse.json", "folder")
    denied = [("ledger-paths", "deny", f"releases/ledger/{name}") for name in names]
    request(team, commit=False)
    assert rules(team) == denied
    team.git("add", "-A")
    team.git("commit", "-q", "-m", "Request")
    assert rules(team) == denied


def test_a_name_that_would_forge_a_line(fresh_team: Team) -> None:
    fresh_team.write("releases/ledger/x\n::error::forged", "{}")
    request(fresh_team)
    ((rule, _, file),) = rules(fresh_team)
    assert rule == "ledger-paths"
    assert file == r"releases/ledger/x\n::error::forged"


def test_the_ledgers_branch_cannot_be_moved(fresh_team: Team) -> None:
    text = (fresh_team.clone / POLICY).read_text()
    (fresh_team.clone / POLICY).write_text(f"{text}\n  ledger: {{branch: elsewhere}}\n")
    request(fresh_team)
    (finding,) = (f for f in fresh_team.api.check(changed="main").findings if f.level == "deny")
    assert finding.rule == "ledger-branch"
    assert BRANCH in finding.fix
    line = (fresh_team.clone / POLICY).read_text().splitlines()[finding.line - 1]
    assert line[finding.column - 1 :].startswith("elsewhere")


def test_a_base_without_a_policy_that_can_be_read(fresh_team: Team) -> None:
    policy = (fresh_team.clone / POLICY).read_text()
    fresh_team.write(POLICY, "kind: [")
    fresh_team.commit("Broken")
    fresh_team.write(POLICY, policy)
    request(fresh_team)
    assert changes(workspace(fresh_team.clone), "main").policy is None
    assert fresh_team.api.check(changed="main").allowed


def test_who_edits_what_judges_is_named(fresh_team: Team) -> None:
    fresh_team.write(".github/workflows/other.yml", "name: other")
    request(fresh_team)
    assert rules(fresh_team) == [("request-edits-its-judge", "warn", ".github/workflows/other.yml")]
    assert fresh_team.api.check(changed="main").allowed


@pytest.mark.parametrize("ref", ["nowhere", "--upload-pack=x", "a\nb", "x" * 2_000])
def test_a_base_that_is_no_commit(fresh_team: Team, ref: str) -> None:
    with pytest.raises(UsageError, match="commit"):
        fresh_team.api.check(changed=ref)


def test_a_clone_that_does_not_reach_back(fresh_team: Team) -> None:
    team = fresh_team
    request(team)
    team.git("push", "-q", "origin", "request")
    team.git("switch", "-q", "main")
    team.commit()
    shallow = team.folder / "shallow"
    where = f"file://{team.remote}"
    team.git("clone", "-q", "--depth=1", "-b", "request", where, str(shallow), cwd=team.folder)
    team.git("fetch", "-q", "--depth=1", "origin", "main:main", cwd=shallow)
    with pytest.raises(UndecidedError, match="does not reach back"):
        dpgate.check(shallow, changed="main")


def test_paths_and_a_base_are_not_given_together(fresh_team: Team) -> None:
    with pytest.raises(UsageError, match="twice"):
        dpgate.check(fresh_team.clone, (MANIFEST,), changed="main")


def test_through_the_command_line(fresh_team: Team) -> None:
    fresh_team.write("releases/ledger/x", "{}")
    request(fresh_team)
    done = fresh_team.dpgate("check", "--changed", "main")
    assert done.returncode == 1
    assert "releases/ledger/x is the ledger's" in done.stdout


def test_what_lies_behind_a_link_always_counts_as_changed(fresh_team: Team) -> None:
    """An edit behind a merged link would show under the name of another file alone."""
    team = fresh_team
    place = team.clone / MANIFEST
    team.write("drafts/vendor-testing/release.yaml", place.read_text())
    shutil.rmtree(place.parent)
    place.parent.symlink_to("../../drafts/vendor-testing")
    other = team.copy_manifest("other")
    team.commit("A link")
    team.edit("drafts/vendor-testing/release.yaml", "epsilon: 1.0", "epsilon: 100.0")
    request(team)
    result = team.api.check(changed="main")
    assert (result.releases, result.allowed) == ((RELEASE,), False)
    (team.clone / POLICY).rename(team.clone / "shared.yaml")
    (team.clone / POLICY).symlink_to("../shared.yaml")
    assert team.api.check(changed="main").releases == (other, RELEASE)


@pytest.mark.parametrize("name", ["main", "origin/main"])
def test_a_tag_of_the_bases_name_does_not_hide_a_change(fresh_team: Team, name: str) -> None:
    """Git takes a tag before a branch: one that names the request's own commit would leave no change."""
    team = fresh_team
    team.edit(MANIFEST, "rows: 1000", "rows: 2000")
    request(team)
    team.git("tag", f"{name}/later")
    assert team.api.check(changed=name).releases == (RELEASE,)
    team.git("tag", "-d", f"{name}/later")
    team.git("tag", name)
    with pytest.raises(UsageError, match=f"{name} could be refs/.*/{name} or refs/tags/{name}"):
        team.api.check(changed=name)
    kind = "remotes" if "/" in name else "heads"
    assert team.api.check(changed=f"refs/{kind}/{name}").releases == (RELEASE,)
