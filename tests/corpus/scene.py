"""A repository with a past, to be attacked, and the auditor who looks at it afterwards."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

import dpgate
from dpgate.gate.signed import approval_files
from dpgate.gate.workspace import Case, workspace
from dpgate.ledger import envelope
from dpgate.ledger.chain import Chain, file_name, link_up, read, subjects
from dpgate.ledger.keys import PrivateKey
from dpgate.ledger.statement import statement
from dpgate.loading.canonical import sha256
from dpgate.model.record import Document, Entry, Reserve, Settle
from tests.corpus import forging
from tests.team import BRANCH, POLICY, RELEASE, Team

FIRST, SECOND, THIRD = RELEASE, "clinic-visits/second", "clinic-visits/third"
FOLDER = "releases/ledger"


@dataclass(frozen=True)
class Found:
    """What the auditor was told."""

    exit_code: int
    step: str
    """Name of the step that failed, or empty."""
    said: str


@dataclass(frozen=True)
class Trap:
    """A program that a hostile repository would have Git run, and a plain command that runs it."""

    marker: Path
    """What the program makes."""
    springs: tuple[str, ...]


@dataclass(frozen=True)
class Scene:
    """A team with a past, and what honest people kept elsewhere.

    The past: 1 genesis, 2-3 a release (FIRST), 4 a policy change that allows more, 5-6 a release
    (SECOND), 7 FIRST withdrawn, 8 a reservation (THIRD) whose run died, 9 abandoned.
    """

    team: Team
    root: str
    """Genesis digest, kept outside the repository."""
    note: Path
    """A checkpoint of the whole past, kept outside the repository."""
    other: Callable[[], Team]
    """Another team with one release: other keys, same names."""
    traps: list[Trap] = field(default_factory=list)

    # ── looking ──────────────────────────────────────────────────────────────────────────────

    def verify(self, clone: Path | None = None, *, memory: bool = False, **options: Any) -> Found:
        """Verify as an auditor with the root; new to this ledger, or with the team's memory."""
        state = self.team.state if memory else self.team.folder / "auditor"
        given = {"root": self.root, **options}
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DPGATE_STATE", str(state))
            result = dpgate.verify(clone or self.team.clone, **given)
        failed = [step for step in result.steps if step.status == "fail"]
        if not failed:
            return Found(result.exit_code, "", result.next)
        return Found(result.exit_code, failed[0].name, f"{failed[0].file} {failed[0].detail}")

    def release(self, name: str) -> Found:
        """Try to release as an honest runner."""
        done = self.team.dpgate(
            "release", name, "--source", str(self.team.data), "--key", self.team.key_file("runner")
        )
        return Found(done.returncode, "", done.stdout + done.stderr)

    @property
    def files(self) -> dict[str, bytes]:
        """Entries by file name, as the remote holds them."""
        return self.team.ledger()

    @property
    def chain(self) -> Chain:
        """The ledger, linked up."""
        return link_up(read(self.files))

    def name(self, number: int) -> str:
        """File name of an entry."""
        return next(name for name in self.files if name.startswith(f"{number:06d}-"))

    def case(self, release: str) -> Case:
        """Manifest and dataset as the work tree holds them."""
        return workspace(self.team.clone).case(release)

    def approvals(self, release: str) -> tuple[Document, ...]:
        """Approvals in the work tree."""
        return approval_files(workspace(self.team.clone), f"releases/{release}")

    def spring(self, trap: Trap) -> None:
        """Run the plain Git command that a trap waits for."""
        subprocess.run(
            trap.springs, cwd=self.team.clone, env=self.team.environment, capture_output=True,
            check=False, stdin=subprocess.DEVNULL, timeout=20,
        )  # fmt: skip

    # ── somebody with write access to the remote, and no key ─────────────────────────────────

    def replace(self, number: int, data: bytes) -> None:
        """Put other bytes in the place of an entry."""
        self.team.push_ledger({self.name(number): data})

    def drop(self, *numbers: int) -> None:
        """Remove entries."""
        self.team.push_ledger({self.name(number): None for number in numbers})

    def graft(self, path: str, mode: str, data: bytes | str) -> None:
        """Put anything Git can hold (a mode and a blob, or an object's name) on the branch."""
        index = {"GIT_INDEX_FILE": str(self.team.folder / "graft.index")}

        def git(*words: str, stdin: bytes = b"") -> str:
            done = subprocess.run(
                ["git", *words], cwd=self.team.remote, env={**self.team.environment, **index},
                input=stdin, check=True, capture_output=True,
            )  # fmt: skip
            return done.stdout.decode().strip()

        git("read-tree", BRANCH)
        if path == FOLDER:
            git("rm", "-r", "-q", "--cached", FOLDER)
        blob = data if isinstance(data, str) else git("hash-object", "-w", "--stdin", stdin=data)
        git("update-index", "-z", "--index-info", stdin=f"{mode} {blob}\t".encode() + _raw(path))
        tree = git("write-tree", "--missing-ok")
        commit = git("commit-tree", tree, "-p", BRANCH, "-m", "Graft")
        git("update-ref", f"refs/heads/{BRANCH}", commit)
        self.fetch()

    def fetch(self) -> None:
        """Bring the ledger of the remote into the clone."""
        refs = f"+refs/heads/{BRANCH}:refs/remotes/origin/{BRANCH}"
        self.team.git("fetch", "-q", "origin", refs)

    # ── somebody with the runner's key ───────────────────────────────────────────────────────

    def append(self, entry: Entry, *keys: str | PrivateKey) -> None:
        """Sign an entry (by the runner unless said otherwise) and put it at the end."""
        self.team.push_ledger({file_name(entry): self.sealed(entry, *keys)})

    def sealed(self, entry: Entry, *keys: str | PrivateKey) -> bytes:
        """An entry's file."""
        signers = [self.team.key(k) if isinstance(k, str) else k for k in keys or ("runner",)]
        return envelope.seal(statement(entry, subjects(entry)).payload(), signers).to_bytes()

    def place(self) -> dict[str, Any]:
        """The fields that put an entry at the end."""
        return forging.place(self.chain)

    def reserve(self, release: str, **changes: Any) -> Reserve:
        """A reservation as the engine would make it, whatever the gate says of it."""
        return forging.reserve(self.team, self.chain, release, **changes)

    def settle(self, reserve: str, release: str, **changes: Any) -> Settle:
        """A settlement that copies what the second release settled."""
        _, like = self.chain.settles[self.chain.reserves[1][0].digest]
        given = {**self.place(), "policy_set": self.chain.policy.sha256, **changes}
        return like.model_copy(update={"reserve": reserve, "release": release, **given})

    def rewrite(self, number: int, edit: Callable[[Any], Entry | None]) -> None:
        """Change (or drop) one entry and sign it and all later ones again with the runner's key."""
        self.push(forging.rewritten(self.chain, number, edit, self.team.key("runner")))

    def push(self, files: Mapping[str, bytes]) -> None:
        """Replace the whole ledger."""
        gone: dict[str, bytes | None] = dict.fromkeys(self.files)
        self.team.push_ledger({**gone, **files})

    # ── the team, at work ────────────────────────────────────────────────────────────────────

    def change_policy(self, old: str, new: str) -> None:
        """Edit, approve and adopt the policy, as the roles that may."""
        self.team.edit(POLICY, old, new)
        self.team.commit("Edit the policy")
        self.team.approve("policy")
        self.team.adopt()

    def manifest(
        self, name: str, changes: Mapping[str, str] = MappingProxyType({}), *, approve: bool = True
    ) -> str:
        """A further manifest, approved."""
        release = self.team.copy_manifest(name, **changes)
        self.team.commit("A manifest")
        if approve:
            self.team.approve(release)
        return release

    def api_approve(self, release: str, role: str, key: PrivateKey) -> Document:
        """One approval by a chosen key; returns the file as it is then."""
        done = self.team.api.approve(release, role=role, key=key)
        return next(d for d in self.approvals(release) if d.path == done.path)

    def digest(self, number: int) -> str:
        """Digest of an entry."""
        return sha256(self.files[self.name(number)])


def _raw(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape") + b"\0"
