"""A team with everything that a release takes, in one folder that a test may do with as it likes.

`tests/conftest.py` offers it as fixtures, each a copy of its own of a template made once a session:

- `fresh_team`: documents of `dpgate init` committed and pushed; no policy adopted yet.
- `team`: its policy approved and adopted.
- `released_team`: one release approved and made.

Commands run in-process through `team.api` (fast), or as a user runs them through `team.dpgate`.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import dpgate
from dpgate.gate.results import AdoptResult, ApproveResult, ReleaseResult
from dpgate.ledger.keys import PrivateKey, load_private
from dpgate.ledger.store import Store
from dpgate.loading.canonical import sha256

RELEASE = "clinic-visits/vendor-testing"
ROLES = ("privacy", "legal", "runner")
BRANCH = "dpgate-ledger"
MANIFEST = f"releases/{RELEASE}/release.yaml"
DATASET = "releases/clinic-visits/dataset.yaml"
POLICY = "policies/organization.yaml"


@dataclass(frozen=True)
class Api:
    """The verbs of `dpgate`, bound to one clone and one machine's memory."""

    clone: Path
    state: Path

    def __getattr__(self, verb: str) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("DPGATE_STATE", str(self.state))
                return getattr(dpgate, verb)(*args, **{"repo": self.clone, **options})

        return call


@dataclass(frozen=True)
class Team:
    """Folders of one team.

    Attributes:
        folder: holds everything below.
        clone: the release repository, a clone of `remote`.
        remote: a bare repository.
        keys: key pairs named by role, and `steward.age`.
        state: what this machine remembers (`DPGATE_STATE`).
        data: the private data, a small Parquet file.
    """

    folder: Path
    clone: Path
    remote: Path
    keys: Path
    state: Path
    data: Path

    @classmethod
    def at(cls, folder: Path) -> Team:
        """The usual places."""
        names = ("clone", "remote.git", "keys", "state", "data/visits.parquet")
        return cls(folder, *(folder / name for name in names))

    @property
    def environment(self) -> dict[str, str]:
        """An environment in which nothing of the user's configuration is read or written."""
        kept = ("PATH", "COVERAGE_", "LANG", "OMP_NUM_THREADS", "TMPDIR", "PYTHON")
        who = {"NAME": "Team", "EMAIL": "team@example.org"}
        return {
            **{k: v for k, v in os.environ.items() if k.startswith(kept)},
            **{f"GIT_{role}_{k}": v for role in ("AUTHOR", "COMMITTER") for k, v in who.items()},
            "DPGATE_STATE": str(self.state),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "HOME": str(self.folder),
        }

    @property
    def source(self) -> Path:
        """What `--source` names: one file, or the place of two tables."""
        places = [self.data.parent / "plan.duckdb", self.data.with_suffix(".csv"), self.data]
        if list(self.data.parent.glob("persons.*")):
            return self.data.parent
        return next((place for place in places if place.exists()), self.data)

    @property
    def api(self) -> Api:
        """The verbs of the Python interface on this clone: ``team.api.plan(RELEASE)``."""
        return Api(self.clone, self.state)

    @property
    def root(self) -> str:
        """Digest of the genesis entry."""
        return sha256(self.ledger()["000001-genesis.dsse.json"])

    def dpgate(
        self,
        *words: str,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: str | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run the command line in a process of its own, in the clone."""
        return subprocess.run(
            [sys.executable, "-m", "dpgate.cli.main", *words],
            cwd=cwd or self.clone,
            env={**self.environment, **(env or {})},
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )

    def git(self, *words: str, cwd: Path | None = None, stdin: bytes | None = None) -> str:
        """Run Git in the clone."""
        done = subprocess.run(
            ["git", *words],
            cwd=cwd or self.clone,
            env=self.environment,
            input=stdin,
            capture_output=True,
            check=False,
        )
        if done.returncode:
            raise AssertionError(f"git {' '.join(words)}: {done.stderr.decode()}")
        return done.stdout.decode("utf-8", "replace").strip()

    def key(self, role: str) -> PrivateKey:
        """The private key of a role (or of any file in the keys folder)."""
        return load_private(self.keys / role)

    def key_file(self, role: str) -> str:
        """Its path, for the command line."""
        return str(self.keys / role)

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace a text that must be in a document."""
        place = self.clone / path
        text = place.read_text()
        assert old in text, f"{old!r} is not in {path}"
        place.write_text(text.replace(old, new))

    def write(self, path: str, text: str) -> None:
        """Write a file of the clone."""
        (self.clone / path).parent.mkdir(parents=True, exist_ok=True)
        (self.clone / path).write_text(text)

    def copy_manifest(self, name: str, **changes: str) -> str:
        """A further manifest like the first, under another name; returns ``dataset/release``."""
        text = (
            (self.clone / MANIFEST).read_text().replace("vendor-testing, owner", f"{name}, owner")
        )
        for old, new in changes.items():
            text = text.replace(old, new)
        self.write(f"releases/clinic-visits/{name}/release.yaml", text)
        return f"clinic-visits/{name}"

    def commit(self, message: str = "Change") -> None:
        """Commit everything and push it."""
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        self.git("push", "-q", "origin", "main")

    def approve(
        self, release: str = RELEASE, *roles: str, commit: bool = True, **options: Any
    ) -> list[ApproveResult]:
        """Approve a release, or ``policy``; by the roles that the template needs if none is named."""
        chosen = roles or (("privacy", "legal") if release == "policy" else ("privacy",))
        done = [
            self.api.approve(release, role=role, key=self.key(role), **options) for role in chosen
        ]
        if commit:
            self.commit(f"Approve {release}")
        return done

    def adopt(self, **options: Any) -> AdoptResult:
        """Adopt the policy of the clone."""
        done: AdoptResult = self.api.adopt(**{"key": self.key("runner"), **options})
        return done

    def release(self, release: str = RELEASE, **options: Any) -> ReleaseResult:
        """Make a release of the template's data."""
        given = {"source": str(self.source), "key": self.key("runner")}
        done: ReleaseResult = self.api.release(release, **{**given, **options})
        return done

    def store(self) -> Store:
        """The ledger branch of this clone."""
        return Store(self.clone, branch=BRANCH)

    def ledger(self) -> dict[str, bytes]:
        """Files of the ledger by name, as the remote holds them."""
        return dict(self.store().fetch().files)

    def push_ledger(self, files: Mapping[str, bytes | None], message: str = "Tamper") -> None:
        """What somebody with write access could do: put files on the ledger branch, or drop them.

        The remote and this clone's view of it are both changed.
        """
        index = self.folder / "tamper.index"
        environment = {**self.environment, "GIT_INDEX_FILE": str(index)}

        def git(*words: str, stdin: bytes | None = None) -> str:
            done = subprocess.run(
                ["git", *words], cwd=self.remote, env=environment, input=stdin, check=True,
                capture_output=True,
            )  # fmt: skip
            return done.stdout.decode().strip()

        git("read-tree", BRANCH)
        for name, data in files.items():
            path = f"releases/ledger/{name}"
            if data is None:
                git("update-index", "--index-info", stdin=f"0 {'0' * 40}\t{path}\n".encode())
                continue
            blob = git("hash-object", "-w", "--stdin", stdin=data)
            git("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}")
        commit = git("commit-tree", git("write-tree"), "-p", BRANCH, "-m", message)
        git("update-ref", f"refs/heads/{BRANCH}", commit)
        index.unlink()
        self.git("fetch", "-q", "origin", f"+refs/heads/{BRANCH}:refs/remotes/origin/{BRANCH}")

    def second_clone(self, name: str = "second", *, same_machine: bool = False) -> Team:
        """Another clone of the remote: of a colleague with a memory of their own, or of this user."""
        clone = self.folder / name
        self.git("clone", "-q", f"file://{self.remote}", str(clone), cwd=self.folder)
        state = self.state if same_machine else self.folder / f"{name}-state"
        return dataclasses.replace(self, clone=clone, state=state)


def make_fresh(folder: Path) -> Team:
    """Documents, keys, data and remote; nothing adopted."""
    team = Team.at(folder)
    dpgate.init(team.clone, keys=team.keys)
    dpgate.keygen(team.keys / "steward.age", age=True)
    dpgate.keygen(team.keys / "stranger", comment="stranger")
    recipient = (
        (team.keys / "steward.age").read_text().splitlines()[0].removeprefix("# public key: ")
    )
    team.edit(
        POLICY, "    # stewards:", f"    stewards: {{encrypt_to: [{recipient}]}}\n    # stewards:"
    )
    team.edit(POLICY, "lifetime: {epsilon: 4}", "lifetime: {epsilon: 8}")
    team.edit(POLICY, "every: quarter, epsilon: 1}", "every: quarter, epsilon: 2}")
    team.edit(MANIFEST, "rows: 100000", "rows: 1000")
    team.edit(MANIFEST, "at_most: 0.1}", "at_most: 0.9}")
    write_data(team.data)
    team.git("init", "-q", "--bare", "-b", "main", str(team.remote), cwd=folder)
    team.git("init", "-q", "-b", "main")
    team.git("remote", "add", "origin", f"file://{team.remote}")
    team.commit("Start")
    return team


def make_adopted(fresh: Team) -> Team:
    """The policy approved and adopted."""
    fresh.approve("policy")
    fresh.adopt()
    return fresh


def make_released(adopted: Team) -> Team:
    """One release made, its files in `folder/released`."""
    adopted.approve()
    done = adopted.release(out=adopted.folder / "released")
    assert done.outcome == "released", done
    return adopted


def copy(template: Team, folder: Path) -> Team:
    """A copy to work on; everything in it points to itself."""
    shutil.copytree(template.folder, folder, symlinks=True, dirs_exist_ok=True)
    config = folder / "clone" / ".git" / "config"
    config.write_text(config.read_text().replace(str(template.folder), str(folder)))
    return Team.at(folder)


def write_data(path: Path, rows: int = 2000) -> None:
    """Visits that fit the dataset of `dpgate init`, the same every time."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    draw = np.random.default_rng(7)
    table = {
        "age_group": draw.choice(["0-17", "18-44", "45-64", "65+"], rows, p=[0.2, 0.4, 0.25, 0.15]),
        "clinic": draw.choice(["north", "south", "east", "west"], rows),
        "length_minutes": draw.integers(5, 121, rows),
        "reason": draw.choice(["acute", "chronic", "preventive", "other"], rows),
        "follow_up": draw.random(rows) < 0.3,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(table), path)
