"""What a hostile or damaged repository holds is refused, and nothing of it runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from dpgate.errors import (
    ChainError,
    GitError,
    LedgerError,
    UndecidedError,
)
from dpgate.ledger.envelope import MAX_BYTES
from dpgate.ledger.keys import PrivateKey
from dpgate.ledger.store import Tip
from tests.unit.ledger.repositories import REF, WHEN, git, make_clone, put, store


def test_a_branch_that_points_nowhere_decides_nothing(clone: Path) -> None:
    place = clone / ".git" / REF
    place.parent.mkdir(parents=True)
    place.write_text("1" * 40 + "\n")
    with pytest.raises(UndecidedError):
        store(clone).local_tip()


def test_a_damaged_repository_is_not_one_without_a_ledger(clone: Path) -> None:
    mine = store(clone)
    (clone / ".git" / "config").write_text("[core\n")
    with pytest.raises(GitError, match="bad config"):
        mine.local_tip()


def test_a_file_that_is_a_folder_inside_git_is_refused(clone: Path) -> None:
    tree = git(clone, "mktree")
    raw = b"100644 one\0" + bytes.fromhex(tree)
    ledger = git(clone, "hash-object", "-w", "-t", "tree", "--literally", "--stdin", stdin=raw)
    releases = git(clone, "mktree", stdin=f"040000 tree {ledger}\tledger\n".encode())
    top = git(clone, "mktree", stdin=f"040000 tree {releases}\treleases\n".encode())
    git(clone, "update-ref", REF, git(clone, "commit-tree", top, "-m", "By hand"))
    tip = store(clone).local_tip()
    with pytest.raises(ChainError, match="cannot be read from Git"):
        dict(tip.files)


def test_a_git_that_never_answers_is_stopped(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = store(clone)
    monkeypatch.setattr("dpgate.ledger.store._TIMEOUT_SECONDS", 0.2)
    with pytest.raises(GitError, match="no answer within"):
        mine.git("-c", "alias.wait=!exec sleep 3", "wait")


def test_a_tree_that_is_missing_is_an_integrity_failure(clone: Path, key: PrivateKey) -> None:
    tip = store(clone).append(Tip(None, {}), {"one": b"1"}, "First", key, WHEN)
    tree = git(clone, "rev-parse", f"{tip.commit}:releases")
    (clone / ".git" / "objects" / tree[:2] / tree[2:]).unlink()
    with pytest.raises(ChainError, match="releases/ledger: git ls-tree"):
        store(clone).local_tip()


def test_no_program_that_the_clone_names_is_run(clone: Path, key: PrivateKey) -> None:
    trap = clone.parent / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch {clone.parent}/sprung\n")
    trap.chmod(0o755)
    for hook in ("pre-push", "reference-transaction", "post-commit", "commit-msg"):
        (clone / ".git" / "hooks" / hook).symlink_to(trap)
    git(clone, "config", "core.fsmonitor", str(trap))
    git(clone, "config", "gpg.ssh.program", str(trap))
    git(clone, "config", "filter.trap.clean", str(trap))
    (clone / ".git" / "info" / "attributes").write_text("* filter=trap\n")
    mine = store(clone)
    mine.append(mine.fetch(), {"one": b"1"}, "First", key, WHEN)
    assert mine.fetch().files == mine.local_tip().files == {"one": b"1"}
    assert not (clone.parent / "sprung").exists()


def test_variables_of_a_calling_hook_lead_nowhere(
    clone: Path, key: PrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_clone(clone.parent, "other")
    tip = store(clone).append(Tip(None, {}), {"one": b"1"}, "First", key, WHEN)
    mine = store(clone)
    for name in ("GIT_DIR", "GIT_OBJECT_DIRECTORY", "GIT_INDEX_FILE"):
        monkeypatch.setenv(name, str(other / ".git"))
    assert mine.local_tip() == tip


def test_replaced_objects_are_not_read(clone: Path, key: PrivateKey) -> None:
    tip = store(clone).append(Tip(None, {}), {"one": b"1"}, "First", key, WHEN)
    blob = git(clone, "rev-parse", f"{tip.commit}:releases/ledger/one")
    other = git(clone, "hash-object", "-w", "--stdin", stdin=b"other")
    git(clone, "replace", blob, other)
    assert store(clone).local_tip().files == {"one": b"1"}


@pytest.mark.parametrize(
    ("path", "mode"),
    [
        ("releases/ledger/one", "120000"),
        ("releases/ledger/one", "100755"),
        ("releases/ledger/one", "160000"),
        ("releases/ledger/deep/one", "100644"),
    ],
)
def test_anything_but_plain_files_is_refused(clone: Path, path: str, mode: str) -> None:
    put(clone, path, b"one", mode)
    with pytest.raises(ChainError, match="not a plain file"):
        store(clone).local_tip()


@pytest.mark.parametrize("mode", ["100644", "120000", "160000"])
def test_a_ledger_folder_that_is_something_else_is_refused(clone: Path, mode: str) -> None:
    put(clone, "releases/ledger", b"elsewhere", mode)
    with pytest.raises(LedgerError, match="releases/ledger"):
        store(clone).local_tip()


def test_a_branch_without_entries_is_refused(clone: Path) -> None:
    put(clone, "README.md", b"nothing to see here")
    with pytest.raises(ChainError, match="holds no ledger"):
        store(clone).local_tip()


def test_an_oversize_file_is_refused_before_it_is_read(clone: Path) -> None:
    put(clone, "releases/ledger/one", b"x" * (MAX_BYTES + 1))
    with pytest.raises(ChainError, match="larger than"):
        store(clone).local_tip()


def test_a_name_that_a_terminal_would_obey_is_not_shown_as_it_is(clone: Path) -> None:
    put(clone, "releases/ledger/one\x1b[31m", b"x")
    with pytest.raises(ChainError, match="not the name of a ledger entry") as refused:
        store(clone).local_tip()
    assert "\x1b" not in str(refused.value)


def test_an_object_that_is_missing_or_damaged_is_an_integrity_failure(
    clone: Path, key: PrivateKey
) -> None:
    tip = store(clone).append(Tip(None, {}), {"one": b"1"}, "First", key, WHEN)
    blob = git(clone, "rev-parse", f"{tip.commit}:releases/ledger/one")
    place = clone / ".git" / "objects" / blob[:2] / blob[2:]
    good = place.read_bytes()
    place.chmod(0o644)
    place.write_bytes(b"\0" * len(good))
    with pytest.raises(LedgerError):
        store(clone).local_tip()
    place.unlink()
    with pytest.raises(LedgerError, match="releases/ledger"):
        store(clone).local_tip()


def test_a_failed_command_says_what_git_said(clone: Path) -> None:
    with pytest.raises(GitError, match="git cat-file: fatal: Not a valid object name") as failed:
        store(clone).git("cat-file", "blob", "0000")
    assert failed.value.exit_code == 2


def test_a_machine_without_git_says_so(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = store(clone)
    monkeypatch.setenv("PATH", str(clone))
    with pytest.raises(GitError, match="git cannot be run"):
        mine.git("status")
