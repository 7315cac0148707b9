"""What a request changes: paths that differ from where it left its base, and what follows from them.

`check --changed REF` and `plan --changed REF` judge these; CI gives the base of a pull request. The
ledger is written by the engine alone, so a request that touches it is denied.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dpgate.errors import DocumentError, GitError, UndecidedError, UsageError
from dpgate.gate.refusals_kept import removed
from dpgate.gate.waivers import unsigned
from dpgate.gate.workspace import POLICY_PATH, Workspace, find_root, policy_of
from dpgate.ledger.chain import DIRECTORY
from dpgate.ledger.store import Store, open_repository, run_git
from dpgate.loading.documents import load
from dpgate.loading.repository import WAIVERS, find
from dpgate.model.finding import Finding
from dpgate.model.policy import PrivacyPolicy

_FOLDERS = ("policies", "releases")
_JUDGES = (".github/", ".gitlab-ci.yml", ".pre-commit-config.yaml")
"""Files that decide how a request is judged."""
_REF_LENGTH = 1_000


@dataclass(frozen=True, kw_only=True)
class Changes:
    """Paths that a request adds, edits or removes.

    Attributes:
        base: commit that it left, the merge base of the reference and HEAD.
        head: commit that is checked out.
        paths: relative to the repository, sorted.
        policy: the policy at the base, None where it has none that can be read.
    """

    base: str
    head: str
    paths: tuple[str, ...]
    policy: PrivacyPolicy | None

    def under(self, *places: str) -> tuple[str, ...]:
        """Those paths that are one of these, or in one of these folders (named with a slash)."""
        return tuple(
            path
            for path in self.paths
            if any(
                path == place or (place[-1] == "/" and path.startswith(place)) for place in places
            )
        )


def changes(space: Workspace, ref: str) -> Changes:
    """What the work tree and its commits change since they left a reference.

    Documents count as they lie in the work tree; anything else as it is committed. Nothing of the
    repository's configuration is run, and no network is used.

    Args:
        space: the work tree.
        ref: a branch, tag or commit: the base of a pull request.

    Raises:
        UsageError: there is no such commit.
        UndecidedError: the clone is too shallow to know where the request left its base.
        RepositoryError: the work tree is in no Git repository.
    """
    store = Store(space.root, branch=policy_of(space.policy_file).spec.ledger.branch)
    tip, head = commit_of(store, ref), commit_of(store, "HEAD")
    base = _merge_base(store, tip, head, ref)
    listed = store.git("diff-tree", "-r", "-z", "--no-renames", "--name-only", base, head)
    paths = {_shown(row) for row in listed.split(b"\0") if row}
    paths |= _edited(store, space.root, base)
    return Changes(base=base, head=head, paths=tuple(sorted(paths)), policy=_policy(store, base))


def base_of(repo: Path | str, branch: str, commit: str, remote: str = "origin") -> str:
    """The base of a pull request in this clone: the branch as it was fetched, else the commit named.

    An event's commit may be older than the branch that the checked-out merge was made with; then
    what others merged meanwhile would look like the request's.
    """
    store = open_repository(find_root(Path(repo)))
    ref = f"refs/remotes/{remote}/{branch}"
    try:
        run_git(store, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
    except GitError:
        return commit
    return ref


def releases_of(space: Workspace, changed: Changes) -> tuple[str, ...]:
    """Manifests that a request is about: changed, or all by a changed policy or a waiver that is gone."""
    known = tuple(place for each in space.documents.waivers for place in _places(each))
    if set(changed.under("policies/")) - set(changed.under(*known)):
        return tuple(space.documents.releases)
    return edited(space, changed)


def edited(space: Workspace, changed: Changes) -> tuple[str, ...]:
    """Manifests that changed, whose dataset did, or a waiver for them."""
    places: defaultdict[str, tuple[str, ...]] = defaultdict(tuple)
    for offer in unsigned(space.documents.waivers):
        places[offer.waiver.spec.release] += _places(offer.name)
    return tuple(
        name
        for name in space.documents.releases
        if changed.under(
            f"releases/{name}/",
            f"releases/{name.split('/')[0]}/dataset.yaml",
            *places[name],
        )
    )


def _places(waiver: str) -> tuple[str, str]:
    """Where a waiver and its signatures lie."""
    return f"{WAIVERS}/{waiver}.yaml", f"{WAIVERS}/{waiver}/"


def request_findings(space: Workspace, changed: Changes) -> tuple[Finding, ...]:
    """What is wrong with a request whatever its documents say."""
    return (
        *_ledger_findings(changed),
        *_branch_finding(space, changed),
        *_judge_findings(changed),
        *removed(space, changed.base, changed.paths),
    )


def _ledger_findings(changed: Changes) -> Iterator[Finding]:
    for path in changed.paths:
        if f"{path}/".casefold().startswith(f"{DIRECTORY}/"):
            yield Finding(
                rule="ledger-paths",
                level="deny",
                message=f"{path} is the ledger's: the engine alone writes it, on a branch of its own",
                fix=f"leave {DIRECTORY} as the base has it: git checkout {changed.base[:12]} -- {DIRECTORY}",
                file=path,
            )


def _branch_finding(space: Workspace, changed: Changes) -> Iterator[Finding]:
    if changed.policy is None:
        return
    before, after = (
        changed.policy.spec.ledger.branch,
        policy_of(space.policy_file).spec.ledger.branch,
    )
    if before != after:
        line, column = space.policy_file.at("spec", "ledger", "branch")
        yield Finding(
            rule="ledger-branch",
            level="deny",
            message=f"the ledger lies on branch {before}, and a request cannot move it to {after}",
            fix=f"restore spec.ledger.branch: {before}",
            file=space.policy_file.file,
            line=line,
            column=column,
        )


def _judge_findings(changed: Changes) -> Iterator[Finding]:
    for path in changed.under(*_JUDGES):
        yield Finding(
            rule="request-edits-its-judge",
            level="warn",
            message=f"{path} decides how requests are judged, and this request changes it",
            fix="read it as closely as a policy: what a request's own checks say depends on it",
            file=path,
            enforcement="advisory",
        )


def commit_of(store: Store, ref: str) -> str:
    """The commit that a branch, tag or digest names.

    Raises:
        UsageError: there is none, or a branch and a tag of that name: Git would take the tag, which
            whoever may push one could have made for that.
    """
    if ref.startswith("-") or len(ref) > _REF_LENGTH or not ref.isprintable():
        raise UsageError("not the name of a commit", fix="give a branch, tag or commit")
    names = [f"refs/{kind}/{ref}" for kind in ("heads", "remotes", "tags")]
    listed = store.git("for-each-ref", "--format=%(refname)", *names).decode("utf-8", "replace")
    if len(found := [name for name in listed.splitlines() if name in names]) > 1:
        raise UsageError(f"{ref} could be {' or '.join(found)}", fix=f"give {found[0]}")
    try:
        return store.git("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}").decode().strip()
    except GitError:
        raise UsageError(
            f"no commit {ref} in this clone",
            fix="fetch it first (actions/checkout: fetch-depth: 0)",
        ) from None


def _merge_base(store: Store, tip: str, head: str, ref: str) -> str:
    try:
        return store.git("merge-base", tip, head).decode().strip()
    except GitError:
        raise UndecidedError(
            f"this clone does not reach back to where HEAD left {ref}",
            fix="git fetch --unshallow (actions/checkout: fetch-depth: 0)",
        ) from None


def _shown(path: bytes) -> str:
    text = path.decode("utf-8", "backslashreplace")
    return text if text.isprintable() else text.encode("unicode_escape").decode()


def _edited(store: Store, root: Path, base: str) -> set[str]:
    """Documents that lie in the work tree otherwise than at the base, committed or not."""
    kind = store.git("rev-parse", "--show-object-format").decode().strip()
    before: dict[str, str] = {}
    rows = store.git("ls-tree", "-r", "-z", "--full-tree", base, "--", *_FOLDERS).split(b"\0")
    for row in filter(None, rows):
        about, _, path = row.partition(b"\t")
        _, what, name = about.decode().split()
        if what == "blob":
            before[_shown(path)] = name
    now = {_shown(os.fsencode(path.relative_to(root))): path for path in _files(root)}
    gone = set(before) - set(now)
    # What lies behind a link can change where nobody looks: such documents always count as changed.
    linked = {path for path in find(root) if (root / path).resolve() != root / path}
    return (
        gone
        | linked
        | {shown for shown, path in now.items() if before.get(shown) != _blob(path, kind)}
    )


def _files(root: Path) -> Iterator[Path]:
    """Files and links under the documents' folders; no link is followed."""
    for folder in _FOLDERS:
        for place, folders, names in os.walk(root / folder):
            for name in (*names, *(f for f in folders if (Path(place) / f).is_symlink())):
                path = Path(place) / name
                mode = path.lstat().st_mode
                if stat.S_ISLNK(mode) or stat.S_ISREG(mode):
                    yield path


def _blob(path: Path, kind: str) -> str:
    """Git's name of a file's bytes, without any filter."""
    if path.is_symlink():
        data = os.fsencode(path.readlink())
        return hashlib.new(kind, b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
    named = hashlib.new(kind, b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            named.update(chunk)
    return named.hexdigest()


def _policy(store: Store, base: str) -> PrivacyPolicy | None:
    try:
        return policy_of(load(POLICY_PATH, store.git("cat-file", "blob", f"{base}:{POLICY_PATH}")))
    except (GitError, DocumentError):
        return None  # none yet, or one that could not be adopted either
