"""The ledger branch in Git: read a tip, append by compare-and-swap.

Only plumbing commands are used, with hooks, filters and file-system monitors off, so that nothing
in a repository's configuration runs on the reader's machine. Commits are signed by SSH for people
who browse; no decision rests on them.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import git
from git.exc import InvalidGitRepositoryError, NoSuchPathError

from dpgate.errors import (
    ChainError,
    ConflictError,
    GitError,
    RemoteError,
    RepositoryError,
    UndecidedError,
)
from dpgate.ledger.chain import DIRECTORY
from dpgate.ledger.envelope import MAX_BYTES
from dpgate.ledger.environment import environment
from dpgate.ledger.signers.interface import Signer
from dpgate.ledger.sshsig import signed_commit

_SAFE = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "fetch.recurseSubmodules": "false",
    "push.recurseSubmodules": "no",
    "push.followTags": "false",
    "push.gpgSign": "false",
}
_NETWORK = ("ls-remote", "fetch", "push")
_TIMEOUT_SECONDS = 120
_WHOLE = "make a new clone, without --filter; or git fsck, and restore what is missing"


class Files(Mapping[str, bytes]):
    """Files of the ledger by name; contents are read when they are asked for."""

    def __init__(
        self, blobs: Mapping[str, bytes], read: Callable[[Mapping[str, bytes]], dict[str, bytes]]
    ) -> None:
        self._blobs = dict(blobs)
        self._read = read
        self._held: dict[str, bytes] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(self._blobs)

    def __len__(self) -> int:
        return len(self._blobs)

    def __getitem__(self, name: str) -> bytes:
        if name not in self._held:
            # Somebody who reads one after the other reads all: one Git process serves them.
            self.fetch(self._blobs)
        return self._held[name]

    def fetch(self, names: Iterable[str]) -> None:
        """Read several at once, so that these alone need to be read."""
        self._held |= self._read({n: self._blobs[n] for n in names if n not in self._held})


@dataclass(frozen=True)
class Tip:
    """The ledger as one commit holds it."""

    commit: str | None
    """Object name of the commit; None where the branch does not exist yet."""
    files: Mapping[str, bytes]
    """Content by file name within the ledger directory."""


class Store:
    """The ledger branch of one clone."""

    def __init__(self, root: Path, *, branch: str, remote: str = "origin") -> None:
        self.repo = open_repository(root)
        if Path(self.repo.working_dir).resolve() != root.resolve():
            raise RepositoryError(
                f"the release repository {root} is a folder within another Git repository",
                fix="its policies and releases must lie at the top of a Git repository of their own",
            )
        self.branch = branch
        self.remote = remote

    def git(
        self, *arguments: str, env: Mapping[str, str] | None = None, stdin: bytes | None = None
    ) -> bytes:
        """Run one Git command, see `run_git`."""
        return run_git(self.repo, *arguments, env=env, stdin=stdin)

    def local_tip(self) -> Tip:
        """The ledger as this clone last saw it: the remote's branch, else the local one.

        A clone of a branch that carries a copy of the ledger (an archive, an example) has it in
        HEAD; only where there is neither branch that copy is read.
        """
        for ref in (f"refs/remotes/{self.remote}/{self.branch}", f"refs/heads/{self.branch}"):
            commit = self._resolve(ref)
            if commit:
                return Tip(commit, self._files(commit))
        head = self._resolve("HEAD")
        if head and self.git("ls-tree", head, f"{DIRECTORY}/").strip():
            return Tip(head, self._files(head))
        shallow = self.git("rev-parse", "--is-shallow-repository").strip() == b"true"
        why = "it is a shallow clone of one branch" if shallow else "the branch was not fetched"
        raise UndecidedError(
            f"this clone has no ledger branch {self.branch} ({why}, or no policy was adopted yet)",
            fix=f"git fetch {self.remote} '+refs/heads/{self.branch}:refs/remotes/{self.remote}/{self.branch}'; "
            "or dpgate policy adopt, if nobody has yet",
        )

    def fetch(self) -> Tip:
        """The ledger as the remote holds it now.

        Raises:
            RemoteError: the remote cannot be reached.
        """
        if self.remote not in (remote.name for remote in self.repo.remotes):
            raise RepositoryError(
                f"this clone has no remote {self.remote}, and the ledger lives on a remote",
                fix=f"git remote add {self.remote} URL",
            )
        try:
            listed = self.git("ls-remote", "--heads", self.remote, f"refs/heads/{self.branch}")
            target = f"refs/remotes/{self.remote}/{self.branch}"
            if not listed.strip():
                return self._none_yet(target)
            self.git("fetch", "--no-tags", self.remote, f"+refs/heads/{self.branch}:{target}")
        except GitError as error:
            raise RemoteError(
                f"cannot reach remote {self.remote}: {_last_line(error)}",
                fix="nothing was written; check the remote and its credentials, then run the same command again",
            ) from None
        commit = self._resolve(target)
        return Tip(commit, self._files(commit) if commit else {})

    def _none_yet(self, target: str) -> Tip:
        """No branch on the remote: right before the first adoption, and never again."""
        if self._resolve(target):
            raise ChainError(
                f"the ledger branch {self.branch} is gone from remote {self.remote}, "
                "and this clone saw it there before",
                fix=f"find out who removed it, and restore it: git push {self.remote} "
                f"{target}:refs/heads/{self.branch}",
            )
        elsewhere = self._ledgers()
        if elsewhere:
            raise ChainError(
                f"branch {self.branch} does not exist, but {elsewhere[0]} holds a ledger: "
                "a repository has one",
                fix="restore spec.ledger.branch of the policy in the work tree",
            )
        return Tip(None, {})

    def _ledgers(self) -> list[str]:
        """Branches known to this clone whose trees have a ledger folder."""
        places = ("refs/heads", f"refs/remotes/{self.remote}")
        refs = self.git("for-each-ref", "--format=%(refname)", *places).decode().splitlines()
        asked = "".join(f"{ref}:{DIRECTORY}\n" for ref in refs)
        found = self.git("cat-file", "--batch-check", stdin=asked.encode()).decode().splitlines()
        return [ref for ref, row in zip(refs, found, strict=True) if not row.endswith(" missing")]

    def append(
        self, tip: Tip, files: Mapping[str, bytes], message: str, key: Signer, when: str
    ) -> Tip:
        """Add files in one signed commit on top of ``tip`` and push it, or change nothing.

        Args:
            tip: what the caller decided on; the push fails if the remote has moved since.
            files: new files by name within the ledger directory.
            message: commit message.
            key: signs the commit (not what it holds).
            when: the entry's hour, also the commit's time: Git must not tell what records hide.

        Raises:
            ConflictError: somebody else wrote first.
            RemoteError: the push failed for another reason.
            ChainError: one of the files exists already.
        """
        for name in files:
            if name in tip.files:
                raise ChainError(f"{DIRECTORY}/{name}: exists already, and is never replaced")
        commit = self._commit(tip, files, message, key, when)
        lease = f"--force-with-lease=refs/heads/{self.branch}:{tip.commit or ''}"
        try:
            self.git(
                "push", "--no-verify", lease, self.remote, f"{commit}:refs/heads/{self.branch}"
            )
        except GitError as error:
            text = error.stderr
            if any(
                word in text
                for word in ("stale info", "fetch first", "non-fast-forward", "cannot lock ref")
            ):
                raise ConflictError(
                    "somebody else wrote to the ledger first; nothing was written",
                    fix="run the same command again: it works on the new head",
                ) from None
            raise RemoteError(
                f"the push to {self.remote} failed: {_last_line(error)}",
                fix="check the remote, its credentials and branch protection for the ledger branch",
            ) from None
        self.git("update-ref", f"refs/remotes/{self.remote}/{self.branch}", commit)
        return Tip(commit, {**tip.files, **files})

    def _tree(self, tip: Tip, files: Mapping[str, bytes]) -> str:
        with tempfile.TemporaryDirectory() as folder:
            env = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
            if tip.commit:
                self.git("read-tree", tip.commit, env=env)
            for name, data in files.items():
                written = self.git("hash-object", "-w", "--no-filters", "--stdin", stdin=data)
                entry = f"100644,{written.decode().strip()},{DIRECTORY}/{name}"
                self.git("update-index", "--add", "--cacheinfo", entry, env=env)
            return self.git("write-tree", env=env).decode().strip()

    def _commit(
        self, tip: Tip, files: Mapping[str, bytes], message: str, key: Signer, when: str
    ) -> str:
        tree = self._tree(tip, files)
        who = {"NAME": "dpgate", "EMAIL": "dpgate@localhost", "DATE": when}
        env = {f"GIT_{role}_{k}": v for role in ("AUTHOR", "COMMITTER") for k, v in who.items()}
        parent = ("-p", tip.commit) if tip.commit else ()
        made = self.git("commit-tree", tree, *parent, "-F", "-", env=env, stdin=message.encode())
        unsigned = self.git("cat-file", "commit", made.decode().strip())
        header = "gpgsig" if len(made.strip()) == 40 else "gpgsig-sha256"
        signed = signed_commit(unsigned, key, header=header)
        written = self.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=signed)
        return written.decode().strip()

    def _resolve(self, ref: str) -> str | None:
        try:
            return self.git("rev-parse", "--verify", "--quiet", ref + "^{commit}").decode().strip()
        except GitError as error:
            if error.stderr.strip():
                raise
            return None  # --quiet: a ref that does not exist

    def _files(self, commit: str) -> Files:
        try:
            listing = self.git("ls-tree", "-r", "-l", "-z", "--full-tree", commit, f"{DIRECTORY}/")
        except GitError as error:
            raise ChainError(f"{DIRECTORY}: {error.message}", fix=error.fix) from None
        blobs: dict[str, bytes] = {}
        for row in filter(None, listing.split(b"\0")):
            head, _, path = row.partition(b"\t")
            mode, kind, blob, size = head.split()
            name = path.decode("utf-8", "backslashreplace").removeprefix(DIRECTORY + "/")
            if not name.isprintable():
                raise ChainError(f"{DIRECTORY}/{name!a}: not the name of a ledger entry")
            if (mode, kind) != (b"100644", b"blob") or "/" in name:
                raise ChainError(f"{DIRECTORY}/{name}: not a plain file (mode {mode.decode()})")
            if not size.isdigit():
                raise ChainError(f"{DIRECTORY}/{name}: is missing in this clone", fix=_WHOLE)
            if int(size) > MAX_BYTES:
                raise ChainError(f"{DIRECTORY}/{name}: larger than {MAX_BYTES} bytes")
            blobs[name] = blob
        if not blobs:
            raise ChainError(
                f"{DIRECTORY}: branch {self.branch} holds no ledger (no folder with entries)",
                fix="restore the branch; only if no policy was ever adopted here, delete it",
            )
        return Files(blobs, self._blobs)

    def _blobs(self, blobs: Mapping[str, bytes]) -> dict[str, bytes]:
        wanted = b"".join(blob + b"\n" for blob in blobs.values())
        data = self.git("cat-file", "--batch", stdin=wanted)
        found: dict[str, bytes] = {}
        position = 0
        for name in blobs:
            end = data.index(b"\n", position)
            fields = data[position:end].split()
            if len(fields) != 3 or fields[1] != b"blob":
                raise ChainError(f"{DIRECTORY}/{name}: cannot be read from Git", fix=_WHOLE)
            size = int(fields[2])
            found[name] = data[end + 1 : end + 1 + size]
            position = end + size + 2
        return found


def open_repository(root: Path) -> git.Repo:
    """The Git repository at ``root``.

    Raises:
        RepositoryError: there is none, or it is bare.
    """
    try:
        repo = git.Repo(root, search_parent_directories=True)
    except (InvalidGitRepositoryError, NoSuchPathError):
        raise RepositoryError(
            f"{root} is not in a Git repository",
            fix="git init, or give --repo DIR; start one with: dpgate init DIR",
        ) from None
    if repo.bare:
        raise RepositoryError(f"{root} is a bare repository", fix="clone it and give --repo CLONE")
    return repo


def run_git(
    repo: git.Repo,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
) -> bytes:
    """Run one Git command with everything off that could run a program of the repository's.

    A command that needs no network gets none: otherwise reading an object that a partial clone
    lacks would fetch it, by whatever program the clone's configuration names.

    Raises:
        GitError: it failed, or took too long.
    """
    options = [part for key, value in _SAFE.items() for part in ("-c", f"{key}={value}")]
    network = arguments[0] in _NETWORK
    try:
        done = subprocess.run(  # noqa: S603 - no shell; options are ours, names are checked
            ["git", *options, *arguments],  # noqa: S607 - the user's own git
            cwd=repo.working_dir,
            env={**environment(network=network), **(env or {})},
            input=stdin or b"",
            capture_output=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise GitError(arguments[0], f"no answer within {_TIMEOUT_SECONDS} seconds") from None
    except OSError as error:
        raise GitError(arguments[0], f"git cannot be run: {error.strerror}") from None
    if done.returncode:
        raise GitError(arguments[0], done.stderr.decode("utf-8", "replace"))
    return done.stdout


def _last_line(error: GitError) -> str:
    lines = [line.strip() for line in error.stderr.splitlines() if line.strip()]
    return lines[-1][:200] if lines else "git gave no reason"
