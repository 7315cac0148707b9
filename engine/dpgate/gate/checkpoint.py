"""`checkpoint`: what an auditor keeps elsewhere, so that a rollback or a second history is found."""

from __future__ import annotations

from pathlib import Path

from dpgate.errors import UsageError
from dpgate.gate import verify
from dpgate.gate.ledger_results import CheckpointResult
from dpgate.gate.opening import open_ledger, trust
from dpgate.gate.workspace import workspace
from dpgate.ledger.note import Checkpoint
from dpgate.ledger.signers.interface import Signer


def checkpoint(
    *,
    key: Signer,
    repo: Path | str = ".",
    root: str | None = None,
    out: Path | str | None = None,
) -> CheckpointResult:
    """Sign the head of a ledger that verifies.

    Args:
        key: the auditor's own key; any Ed25519 key.
        repo: a clone of the release repository; its own copy of the ledger is used, offline.
        root: genesis digest; needed on a machine that has not seen this ledger before.
        out: file to write; not written if None.

    Raises:
        LedgerError: the ledger does not verify.
        UsageError: the file exists.
    """
    ledger = open_ledger(workspace(Path(repo)), offline=True)
    trust(ledger.chain, root)
    chain = verify.audit(ledger.tip.files, ledger.chain.root)
    made = Checkpoint(chain.root, len(chain.links), chain.head.digest)
    name = f"dpgate-{key.public.fingerprint.removeprefix('SHA256:').replace('+', '-')[:16]}"
    text = made.sign(key, name)
    if out is not None:
        path = Path(out)
        if path.exists():
            raise UsageError(f"{path} exists already", fix="choose another file name")
        path.write_text(text, encoding="utf-8")
    return CheckpointResult(
        entry=made.size,
        root=made.root,
        head=made.head,
        note=text,
        path=str(out) if out is not None else "",
        next="keep it outside the repository; later: dpgate verify --root … --checkpoint FILE",
    )
