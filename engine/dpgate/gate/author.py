"""`author`: sign as the author of a manifest, so that who approves it is somebody else."""

from __future__ import annotations

from pathlib import Path

from dpgate.errors import SignatureError
from dpgate.gate.refuse import standing_case
from dpgate.gate.signing import must_hold, sign
from dpgate.gate.signing_results import AuthorResult
from dpgate.gate.standing import open_standing
from dpgate.gate.workspace import workspace
from dpgate.ledger.roles import keyring
from dpgate.ledger.signers.interface import Signer
from dpgate.model.record import Authorship


def author(
    release: str, *, role: str, key: Signer, repo: Path | str = ".", offline: bool = False
) -> AuthorResult:
    """Sign as the author of a manifest.

    From then on no approval of these bytes by the same key counts, under whatever role.

    Args:
        release: ``dataset/release``.
        role: the author's role; the key must be one of its keys, and the policy's `separation` must
            admit it, if the policy has one.
        key: the author's signer.
        repo: a release repository, or a folder in it.
        offline: use the ledger as this clone last fetched it.

    Returns:
        Where the signature was written; commit that file.

    Raises:
        SignatureError: the key does not hold the role, or the role may not sign as the author.
        UsageError: the release was made already.
    """
    space = workspace(Path(repo))
    standing = open_standing(space, offline=offline)
    case = standing_case(space, release, standing)
    must_hold(keyring(standing.policy), role, key)
    separation = standing.policy.spec.separation
    if separation is not None and role not in separation.authors:
        raise SignatureError(
            f"role {role} may not sign as the author",
            fix=f"roles that may: {', '.join(separation.authors)} (spec.separation.authors)",
        )
    predicate = Authorship(
        root=standing.root,
        release=case.name,
        role=role,
        manifest=case.release_file.digest,
        dataset=case.dataset_file.digest,
    )
    path = sign(space, f"releases/{case.name}", f"author-{role}", predicate, key)
    return AuthorResult(
        subject=case.name,
        role=role,
        key=key.public.fingerprint,
        path=path,
        next=f"git add {path} && git commit; then others approve: dpgate plan {case.name}",
    )
