"""The state a work tree must be in before anything is released from it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from dpgate.errors import GitError, RepositoryError
from dpgate.ledger.store import Store
from dpgate.model.values import counted


def require_releasable(store: Store, release: str, waivers: Iterable[str] = ()) -> None:
    """Raise unless the documents of a release are committed on a branch.

    A shallow clone does no harm: nothing rests on Git ancestry.

    Args:
        store: the repository.
        release: ``dataset/release``.
        waivers: paths of the waivers for it.

    Raises:
        RepositoryError: HEAD is detached, or a document was changed after it was committed.
    """
    dataset = release.split("/", maxsplit=1)[0]
    documents = ("policies", f"releases/{dataset}/dataset.yaml", f"releases/{release}")
    try:
        store.git("symbolic-ref", "--quiet", "HEAD")
    except GitError:
        raise RepositoryError(
            "HEAD is detached: a release is made from a branch, where reviewers see its manifest",
            fix="git switch BRANCH, then try again",
        ) from None
    status = store.git("status", "--porcelain", "-z", "--untracked-files=all", "--", *documents)
    changed = [row[3:].decode("utf-8", "replace") for row in status.split(b"\0") if row]
    # What Git ignores or was told to overlook does not show in its status.
    read = ("policies/organization.yaml", documents[1], f"{documents[2]}/release.yaml", *waivers)
    changed += [path for path in read if path not in changed and not _committed(store, path)]
    changed = [name if name.isprintable() else ascii(name) for name in changed]
    if changed:
        raise RepositoryError(
            f"the work tree is dirty: {', '.join(changed[:5])} {'is' if len(changed) == 1 else 'are'} not committed",
            fix="commit what was reviewed (git add … && git commit), then try again",
        )


def unpushed(store: Store) -> tuple[str, ...]:
    """A note if the commit that a release is made from is on no branch of the remote known here."""
    heads = store.git(
        *("for-each-ref", "--contains=HEAD", "--count=1", f"refs/remotes/{store.remote}")
    )
    if heads.strip():
        return ()
    note = (
        f"HEAD is on no branch of {store.remote} that this clone knows: reviewers and auditors have the "
        "ledger's copy of the manifest and not yet the manifest itself; git push"
    )
    return (note,)


def uncommitted(store: Store, folder: str) -> tuple[str, ...]:
    """A note if files of a folder that an entry embeds are not committed."""
    status = store.git("status", "--porcelain", "-z", "--untracked-files=all", "--", folder)
    count = len([row for row in status.split(b"\0") if row])
    if not count:
        return ()
    note = (
        f"{counted(count, 'file')} under {folder} not committed: the ledger embeds them as they are; "
        f"git add {folder} && git commit, so that people find them"
    )
    return (note,)


def _committed(store: Store, path: str) -> bool:
    """Whether HEAD holds the document byte for byte."""
    try:
        committed = store.git("cat-file", "blob", f"HEAD:{path}")
    except GitError:
        return False
    return committed == (Path(store.repo.working_dir) / path).read_bytes()
