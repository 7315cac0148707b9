"""Verify: one changed byte, one dropped entry, one wrong root is found, and says where."""

from __future__ import annotations

import random
import shutil

import pytest

from dpgate.errors import LedgerError, UndecidedError, UsageError
from dpgate.gate.verify import STEPS, audit
from dpgate.ledger.memory import Memory
from dpgate.loading.canonical import sha256
from tests.team import BRANCH, MANIFEST, RELEASE, Team

POSITIONS_PER_ENTRY = 110


def failed(team: Team, **options: object) -> tuple[str, str]:
    """Name of the step that failed, and what it said."""
    result = team.api.verify(root=options.pop("root", None) or team.root, **options)
    assert not result.verified
    assert result.exit_code == 3
    (step,) = [step for step in result.steps if step.status == "fail"]
    return step.name, f"{step.file} {step.detail}"


def test_a_whole_ledger_verifies_with_its_root(released_team: Team) -> None:
    team = released_team
    result = team.second_clone().api.verify(
        root=team.root, artifacts=team.folder / "released", progress=lambda step, part: None
    )
    assert result.verified
    assert result.authenticated
    assert result.exit_code == 0
    compared = {step.name: step.status for step in result.steps if step.status != "pass"}
    assert compared == {"last head": "skip", "checkpoint": "skip"}  # none of them was at hand
    assert [step.number for step in result.steps] == list(range(1, len(STEPS) + 1))
    assert result.releases == (RELEASE,)
    assert result.entries == 3
    assert result.root == team.root
    assert result.head == sha256(team.ledger()["000003-settle.dsse.json"])


def test_without_a_root_it_is_not_authenticated_and_not_remembered(released_team: Team) -> None:
    auditor = released_team.second_clone()
    for _ in range(2):
        result = auditor.api.verify()
        assert (result.verified, result.authenticated, result.exit_code) == (False, False, 4)
        skipped = [step.name for step in result.steps if step.status != "pass"]
        assert skipped == ["root", "last head", "checkpoint"]
    assert auditor.api.verify(root=auditor.root).exit_code == 0
    assert auditor.api.verify().exit_code == 0


def test_a_wrong_root_is_an_integrity_failure(released_team: Team) -> None:
    result = released_team.api.verify(root="sha256:" + "0" * 64)
    assert (result.exit_code, result.authenticated) == (3, False)
    assert result.steps[0].status == "fail"
    assert result.steps[0].file == "releases/ledger/000001-genesis.dsse.json"
    assert {step.status for step in result.steps[1:]} == {"skip"}


def test_every_byte_of_every_entry_counts(released_team: Team) -> None:
    files, root = released_team.ledger(), released_team.root
    assert len(audit(files, root).links) == 3
    draw = random.Random(20261122)
    for name, data in files.items():
        edges = [0, 1, len(data) // 2, len(data) - 2, len(data) - 1]
        for position in edges + draw.sample(range(len(data)), POSITIONS_PER_ENTRY - len(edges)):
            changed = bytearray(data)
            changed[position] ^= 1 << draw.randrange(8)
            with pytest.raises(LedgerError) as found:
                audit({**files, name: bytes(changed)}, root)
            assert found.value.exit_code == 3, (name, position)


def test_a_byte_more_or_less_counts_too(released_team: Team) -> None:
    files, root = released_team.ledger(), released_team.root
    draw = random.Random(7)
    for name, data in files.items():
        for position in draw.sample(range(len(data)), 15):
            for changed in (
                data[:position] + data[position + 1 :],
                data[:position] + b"a" + data[position:],
                data[:position],
            ):
                with pytest.raises(LedgerError):
                    audit({**files, name: changed}, root)


@pytest.mark.slow
def test_a_changed_byte_on_the_branch_ends_in_exit_code_3(released_team: Team) -> None:
    team = released_team
    root, name = team.root, "000002-reserve.dsse.json"
    data = bytearray(team.ledger()[name])
    data[len(data) // 2] ^= 1
    team.push_ledger({name: bytes(data)})
    done = team.dpgate("verify", "--root", root)
    assert done.returncode == 3
    assert name in done.stdout
    assert "NOT verified" in done.stdout
    denied = team.dpgate("release", RELEASE, "--source", "x", "--key", team.key_file("runner"))
    assert denied.returncode == 3


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("000001-genesis.dsse.json", "root"),
        ("000002-reserve.dsse.json", "chain"),
    ],
)
def test_a_dropped_entry_is_found(released_team: Team, name: str, step: str) -> None:
    root = released_team.root
    released_team.push_ledger({name: None})
    assert failed(released_team, root=root)[0] == step


def test_a_dropped_tail_is_found_by_who_saw_it(released_team: Team) -> None:
    newcomer = released_team.second_clone()
    released_team.push_ledger({"000003-settle.dsse.json": None})
    newcomer.git("fetch", "-q", "origin", f"+{BRANCH}:refs/remotes/origin/{BRANCH}")
    assert failed(released_team)[0] == "last head"
    result = newcomer.api.verify(root=released_team.root)
    assert result.exit_code == 0
    assert "1 reservation(s) open" in result.steps[3].detail


def test_a_stranger_in_the_ledger_is_found(released_team: Team) -> None:
    released_team.push_ledger({"README.md": b"hello"})
    step, said = failed(released_team)
    assert step == "form"
    assert "releases/ledger/README.md" in said


def test_a_ledger_that_cannot_be_read_is_a_failure_and_no_crash(released_team: Team) -> None:
    released_team.push_ledger({"deep/one.json": b"hello"})
    result = released_team.api.verify(root="sha256:" + "0" * 64)
    assert (result.exit_code, result.verified, result.authenticated) == (3, False, False)
    assert "not a plain file" in result.steps[0].detail


def test_a_clone_without_the_ledger_decides_nothing(released_team: Team) -> None:
    released_team.git("update-ref", "-d", f"refs/remotes/origin/{BRANCH}")
    with pytest.raises(UndecidedError, match="no ledger branch") as undecided:
        released_team.api.verify()
    assert undecided.value.exit_code == 4
    assert "git fetch origin" in undecided.value.fix


def test_an_edited_manifest_is_found(released_team: Team) -> None:
    released_team.edit(MANIFEST, "owner: analytics", "owner: somebody")
    step, said = failed(released_team)
    assert step == "work tree"
    assert "was edited after entry 2 released it" in said


def test_a_removed_manifest_is_found(released_team: Team) -> None:
    (released_team.clone / MANIFEST).unlink()
    step, said = failed(released_team)
    assert step == "work tree"
    assert "not in this work tree" in said


def test_a_changed_file_of_the_release_is_found(released_team: Team) -> None:
    folder = released_team.folder / "released"
    (folder / "data.csv").write_text("age_group\n65+\n")
    step, said = failed(released_team, artifacts=folder)
    assert step == "work tree"
    assert "data.csv is not the file that entry 3 settled" in said


def test_a_missing_file_of_the_release_is_found(released_team: Team) -> None:
    folder = released_team.folder / "released"
    (folder / "card.md").unlink()
    assert "card.md" in failed(released_team, artifacts=folder)[1]


def test_files_of_nothing_are_not_passed_over(released_team: Team) -> None:
    empty = released_team.folder / "empty"
    empty.mkdir()
    assert "holds no file of any release" in failed(released_team, artifacts=empty)[1]
    with pytest.raises(UsageError, match="is not a folder"):
        released_team.api.verify(root=released_team.root, artifacts=empty / "none")


def test_files_are_held_against_the_release_they_are_of(released_team: Team) -> None:
    team = released_team
    other = team.copy_manifest("second")
    team.commit()
    team.approve(other)
    out = team.folder / "all" / other
    assert team.release(other, out=out).outcome == "released"
    for folder in (team.folder / "released", out, team.folder / "all"):
        assert team.api.verify(root=team.root, artifacts=folder).exit_code == 0, folder
    shutil.copytree(team.folder / "released", team.folder / "all" / RELEASE)
    result = team.api.verify(root=team.root, artifacts=team.folder / "all")
    assert "2 manifest(s) as released, 14 file(s) as settled" in result.steps[12].detail
    (out / "data.csv").write_bytes((team.folder / "released" / "data.csv").read_bytes())
    assert "entry 5 settled" in failed(team, artifacts=out)[1]
    assert "entry 5 settled" in failed(team, artifacts=team.folder / "all")[1]


def test_a_damaged_memory_does_not_pass_for_none(
    released_team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = Memory(released_team.root)
    (memory.folder / "head.json").write_text("{")
    result = released_team.api.verify(root=released_team.root)
    assert not result.verified
    assert result.exit_code in (3, 4)
    (step,) = [step for step in result.steps if step.status == "fail"]
    assert step.name == "last head"
    assert "cannot read what was last seen" in step.detail


def test_an_empty_ledger_is_refused() -> None:
    with pytest.raises(LedgerError, match="empty"):
        audit({}, "sha256:" + "0" * 64)
