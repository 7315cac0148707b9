"""The ledger branch in real repositories: one of two writers wins, and nothing runs by itself."""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dpgate.errors import (
    ChainError,
    ConflictError,
    GitError,
    LedgerError,
    RemoteError,
    RepositoryError,
    UndecidedError,
)
from dpgate.ledger.envelope import MAX_BYTES
from dpgate.ledger.keys import PrivateKey, load_private
from dpgate.ledger.store import Store, Tip

BRANCH = "dpgate-ledger"
WHEN = "2026-11-22T10:00:00Z"
REF = f"refs/remotes/origin/{BRANCH}"


@pytest.fixture(autouse=True)
def _no_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


def git(at: Path, *words: str, stdin: bytes = b"") -> str:
    who = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org")
    done = subprocess.run(
        ["git", *who, *words], cwd=at, input=stdin, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().strip()


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with one commit, of a bare remote."""
    git(tmp_path, "init", "-q", "--bare", "-b", "main", "remote.git")
    return make_clone(tmp_path, "clone")


def make_clone(folder: Path, name: str) -> Path:
    git(folder, "init", "-q", "-b", "main", name)
    git(folder / name, "remote", "add", "origin", f"file://{folder / 'remote.git'}")
    git(folder / name, "commit", "-q", "--allow-empty", "-m", "Start")
    return folder / name


def store(root: Path) -> Store:
    return Store(root, branch=BRANCH)


def put(clone: Path, path: str, data: bytes, mode: str = "100644") -> None:
    """Make the clone's view of the ledger branch hold a file, by hand."""
    blob = git(clone, "hash-object", "-w", "--stdin", stdin=data) if mode != "160000" else "1" * 40
    git(clone, "update-index", "--add", "--cacheinfo", f"{mode},{blob},{path}")
    commit = git(clone, "commit-tree", git(clone, "write-tree"), "-m", "By hand")
    git(clone, "update-ref", REF, commit)


def test_what_is_appended_is_read_by_every_clone(clone: Path, key: PrivateKey) -> None:
    mine = store(clone)
    assert mine.fetch() == Tip(None, {})
    first = mine.append(mine.fetch(), {"one": b"1\n"}, "First\n", key, WHEN)
    second = mine.append(first, {"two": b"2\0\n\n"}, "Second\n", key, WHEN)
    assert second.files == {"one": b"1\n", "two": b"2\0\n\n"}
    theirs = store(make_clone(clone.parent, "other"))
    assert theirs.fetch() == second
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


def test_a_key_that_cannot_sign_commits_is_reported_before_anything_is_pushed(
    clone: Path, key: PrivateKey, tmp_path: Path
) -> None:
    gone = PrivateKey(tmp_path / "gone", key.public, key._key)
    with pytest.raises(RepositoryError, match="cannot make a signed commit"):
        store(clone).append(Tip(None, {}), {"one": b"1"}, "First", gone, WHEN)
    assert store(clone).fetch() == Tip(None, {})


def test_nothing_in_the_work_tree_or_its_index_is_touched(clone: Path, key: PrivateKey) -> None:
    (clone / "staged").write_text("staged")
    git(clone, "add", "staged")
    before = git(clone, "status", "--porcelain"), git(clone, "rev-parse", "HEAD")
    store(clone).append(Tip(None, {}), {"one": b"1"}, "First", key, WHEN)
    assert (git(clone, "status", "--porcelain"), git(clone, "rev-parse", "HEAD")) == before


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


def test_a_failed_command_says_what_git_said(clone: Path) -> None:
    with pytest.raises(GitError, match="git cat-file: fatal: Not a valid object name") as failed:
        store(clone).git("cat-file", "blob", "0000")
    assert failed.value.exit_code == 2


def test_a_machine_without_git_says_so(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = store(clone)
    monkeypatch.setenv("PATH", str(clone))
    with pytest.raises(GitError, match="git cannot be run"):
        mine.git("status")
