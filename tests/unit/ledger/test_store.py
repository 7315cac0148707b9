"""The ledger branch in real repositories: of two writers one wins, and the other knows."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dpgate.errors import (
    ChainError,
    ConflictError,
    KeyFileError,
    RemoteError,
    RepositoryError,
    UndecidedError,
)
from dpgate.ledger.keys import PrivateKey, PublicKey, load_private
from dpgate.ledger.store import Store, Tip
from tests.unit.ledger.repositories import BRANCH, REF, WHEN, git, make_clone, put, store


def test_what_is_appended_is_read_by_every_clone(clone: Path, key: PrivateKey) -> None:
    mine = store(clone)
    assert mine.fetch() == Tip(None, {})
    first = mine.append(mine.fetch(), {"one": b"1\n"}, "First\n", key, WHEN)
    second = mine.append(first, {"two": b"2\0\n\n"}, "Second\n", key, WHEN)
    assert second.files == {"one": b"1\n", "two": b"2\0\n\n"}
    theirs = store(make_clone(clone.parent, "other"))
    assert theirs.fetch() == second
    assert len(theirs.fetch().files) == 2
    assert list(theirs.fetch().files) == ["one", "two"]
    assert "three" not in theirs.fetch().files
    assert theirs.local_tip() == second
    assert mine.local_tip() == second


def test_only_one_of_two_writers_on_the_same_head_wins(clone: Path, key: PrivateKey) -> None:
    mine, theirs = store(clone), store(make_clone(clone.parent, "other"))
    start = mine.append(mine.fetch(), {"one": b"1"}, "First", key, WHEN)
    theirs.append(theirs.fetch(), {"two": b"theirs"}, "Second", key, WHEN)
    with pytest.raises(ConflictError, match="somebody else wrote to the ledger first") as lost:
        mine.append(start, {"two": b"mine"}, "Second", key, WHEN)
    assert lost.value.exit_code == 4
    assert mine.local_tip() == start
    assert mine.fetch().files == {"one": b"1", "two": b"theirs"}


def test_only_one_of_two_first_writers_wins(clone: Path, key: PrivateKey) -> None:
    mine, theirs = store(clone), store(make_clone(clone.parent, "other"))
    empty = mine.fetch()
    theirs.append(theirs.fetch(), {"one": b"theirs"}, "First", key, WHEN)
    with pytest.raises(ConflictError):
        mine.append(empty, {"one": b"mine"}, "First", key, WHEN)
    assert mine.fetch().files == {"one": b"theirs"}


def test_of_many_writers_at_once_exactly_one_wins(clone: Path, key: PrivateKey) -> None:
    start = store(clone).append(Tip(None, {}), {"one": b"1"}, "First", key, WHEN)
    writers = [store(make_clone(clone.parent, f"writer-{n}")) for n in range(4)]
    tips = [writer.fetch() for writer in writers]

    def race(number: int) -> str:
        try:
            files = {"two": b"%d" % number}
            writers[number].append(tips[number], files, "Second", key, WHEN)
        except ConflictError:
            return "lost"
        return "won"

    with ThreadPoolExecutor(len(writers)) as pool:
        ends = list(pool.map(race, range(len(writers))))
    assert sorted(ends) == ["lost", "lost", "lost", "won"]
    assert store(clone).fetch().files == {**start.files, "two": b"%d" % ends.index("won")}


def test_a_remote_that_was_rolled_back_is_not_overwritten(clone: Path, key: PrivateKey) -> None:
    mine = store(clone)
    first = mine.append(mine.fetch(), {"one": b"1"}, "First", key, WHEN)
    second = mine.append(first, {"two": b"2"}, "Second", key, WHEN)
    git(clone.parent / "remote.git", "update-ref", f"refs/heads/{BRANCH}", str(first.commit))
    with pytest.raises(ConflictError):
        mine.append(second, {"three": b"3"}, "Third", key, WHEN)


def test_an_unreachable_remote_decides_nothing(clone: Path, key: PrivateKey) -> None:
    mine = store(clone)
    tip = mine.append(mine.fetch(), {"one": b"1"}, "First", key, WHEN)
    (clone.parent / "remote.git").rename(clone.parent / "away.git")
    with pytest.raises(RemoteError, match="cannot reach remote origin") as lost:
        mine.fetch()
    assert lost.value.exit_code == 4
    with pytest.raises(RemoteError, match="the push to origin failed"):
        mine.append(tip, {"two": b"2"}, "Second", key, WHEN)
    assert mine.local_tip() == tip


def test_a_branch_that_vanished_from_the_remote_is_not_begun_anew(
    clone: Path, key: PrivateKey
) -> None:
    mine = store(clone)
    tip = mine.append(mine.fetch(), {"one": b"1"}, "First", key, WHEN)
    git(clone.parent / "remote.git", "update-ref", "-d", f"refs/heads/{BRANCH}")
    with pytest.raises(ChainError, match="is gone from remote origin") as gone:
        mine.fetch()
    assert gone.value.exit_code == 3
    git(clone, *gone.value.fix.partition("git ")[2].split())
    assert mine.fetch() == tip


def test_a_repository_has_one_ledger(clone: Path, key: PrivateKey) -> None:
    mine = store(clone)
    mine.append(mine.fetch(), {"one": b"1"}, "First", key, WHEN)
    with pytest.raises(ChainError, match=f"but {REF} holds a ledger"):
        Store(clone, branch="another").fetch()


def test_a_push_that_the_remote_refuses_decides_nothing(clone: Path, key: PrivateKey) -> None:
    hook = clone.parent / "remote.git" / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho branch is protected >&2\nexit 1\n")
    hook.chmod(0o755)
    mine = store(clone)
    with pytest.raises(RemoteError, match="push to origin failed") as refused:
        mine.append(mine.fetch(), {"one": b"1"}, "First", key, WHEN)
    assert not isinstance(refused.value, ConflictError)
    assert mine.fetch() == Tip(None, {})


def test_a_clone_without_a_remote_says_so(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "alone")
    with pytest.raises(RepositoryError, match="no remote origin"):
        store(tmp_path / "alone").fetch()


def test_a_clone_that_never_saw_the_branch_says_how_to_fetch_it(clone: Path) -> None:
    with pytest.raises(UndecidedError, match="the branch was not fetched") as unseen:
        store(clone).local_tip()
    assert unseen.value.fix.startswith("git fetch origin '+refs/heads/dpgate-ledger")
    assert unseen.value.exit_code == 4


def test_a_shallow_clone_that_never_saw_the_branch_says_that_it_is_one(clone: Path) -> None:
    git(clone, "commit", "-q", "--allow-empty", "-m", "Two")
    git(clone, "push", "-q", "origin", "main")
    remote = f"file://{clone.parent / 'remote.git'}"
    git(clone.parent, "clone", "-q", "--depth", "1", "--single-branch", remote, "shallow")
    with pytest.raises(UndecidedError, match="shallow clone"):
        store(clone.parent / "shallow").local_tip()


def test_without_a_remote_branch_the_local_one_is_read(clone: Path, key: PrivateKey) -> None:
    mine = store(clone)
    tip = mine.append(mine.fetch(), {"one": b"1"}, "First", key, WHEN)
    git(clone, "update-ref", "-d", REF)
    git(clone, "branch", BRANCH, str(tip.commit))
    assert mine.local_tip() == tip


def test_without_any_branch_a_ledger_in_the_checkout_is_read(clone: Path) -> None:
    put(clone, "releases/ledger/one", b"1")
    git(clone, "update-ref", "refs/heads/main", REF)
    git(clone, "update-ref", "-d", REF)
    assert store(clone).local_tip().files == {"one": b"1"}


def test_a_key_with_a_passphrase_signs_commits_too(clone: Path, tmp_path: Path) -> None:
    path = tmp_path / "locked"
    words: list[str | Path] = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "open sesame", "-f", path]
    subprocess.run(words, check=True, capture_output=True)
    locked = load_private(path, b"open sesame")
    tip = store(clone).append(Tip(None, {}), {"one": b"1"}, "First", locked, WHEN)
    assert "-----BEGIN SSH SIGNATURE-----" in git(clone, "cat-file", "commit", str(tip.commit))


def test_commits_verify_with_an_allowed_signers_file(clone: Path, key: PrivateKey) -> None:
    tip = store(clone).append(Tip(None, {}), {"one": b"1"}, "Title\n\nDpgate-X: y\n", key, WHEN)
    signers = clone.parent / "signers"
    signers.write_text(f'runner@dpgate namespaces="git" {key.public.line}\n')
    trusting = ("-c", f"gpg.ssh.allowedSignersFile={signers}")
    git(clone, *trusting, "verify-commit", str(tip.commit))
    shown = git(
        clone, *trusting, "log", "-1", "--format=%G?|%GS|%an|%aI|%cI|%s|%b", str(tip.commit)
    )
    hour = "2026-11-22T10:00:00+00:00"
    wanted = f"G|runner@dpgate|dpgate|{hour}|{hour}|Title|Dpgate-X: y"
    assert shown.replace("10:00:00Z", "10:00:00+00:00").strip() == wanted


class Refusing:
    """A signer whose owner declines."""

    def __init__(self, public: PublicKey) -> None:
        self.public = public

    def sign(self, message: bytes) -> bytes:
        raise KeyFileError("declined")


def test_a_key_that_does_not_sign_the_commit_ends_it_before_anything_is_pushed(
    clone: Path, key: PrivateKey
) -> None:
    with pytest.raises(KeyFileError, match="declined"):
        store(clone).append(Tip(None, {}), {"one": b"1"}, "First", Refusing(key.public), WHEN)
    assert store(clone).fetch() == Tip(None, {})


def test_nothing_in_the_work_tree_or_its_index_is_touched(clone: Path, key: PrivateKey) -> None:
    (clone / "staged").write_text("staged")
    git(clone, "add", "staged")
    before = git(clone, "status", "--porcelain"), git(clone, "rev-parse", "HEAD")
    store(clone).append(Tip(None, {}), {"one": b"1"}, "First", key, WHEN)
    assert (git(clone, "status", "--porcelain"), git(clone, "rev-parse", "HEAD")) == before


def test_other_files_of_the_branch_stay_and_do_not_count(clone: Path, key: PrivateKey) -> None:
    put(clone, "README.md", b"about")
    put(clone, "releases/ledger/one", b"1")
    git(clone, "push", "-q", "origin", f"{REF}:refs/heads/{BRANCH}")
    mine = store(clone)
    tip = mine.append(mine.fetch(), {"two": b"2"}, "Second", key, WHEN)
    assert tip.files == {"one": b"1", "two": b"2"}
    assert git(clone, "show", f"{tip.commit}:README.md") == "about"


def test_an_entry_that_is_there_is_never_replaced(clone: Path, key: PrivateKey) -> None:
    tip = store(clone).append(Tip(None, {}), {"one": b"1"}, "First", key, WHEN)
    with pytest.raises(ChainError, match="exists already"):
        store(clone).append(tip, {"one": b"2"}, "Again", key, WHEN)
    assert store(clone).fetch() == tip


def test_a_folder_within_another_repository_is_refused(clone: Path) -> None:
    (clone / "inner").mkdir()
    with pytest.raises(RepositoryError, match="within another Git repository"):
        store(clone / "inner")


def test_what_is_no_repository_is_refused(tmp_path: Path, clone: Path) -> None:
    with pytest.raises(RepositoryError, match="not in a Git repository"):
        store(tmp_path / "none")
    with pytest.raises(RepositoryError, match="bare repository"):
        store(clone.parent / "remote.git")
