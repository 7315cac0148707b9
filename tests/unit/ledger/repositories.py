"""Real repositories for the tests of the store: a bare remote and clones of it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from dpgate.ledger.store import Store

BRANCH = "dpgate-ledger"
WHEN = "2026-11-22T10:00:00Z"
REF = f"refs/remotes/origin/{BRANCH}"


def git(at: Path, *words: str, stdin: bytes = b"") -> str:
    who = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org")
    done = subprocess.run(
        ["git", *who, *words], cwd=at, input=stdin, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().strip()


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
