"""`ledger recover`: close a reservation whose run died, and finish or delete what it left."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from filelock import Timeout

from dpgate.errors import ChainError, SignatureError, UndecidedError, UsageError
from dpgate.gate import entries, resuming, verify
from dpgate.gate.ledger_results import RecoverResult
from dpgate.gate.opening import OpenLedger, open_ledger, trust
from dpgate.gate.staging import run_of
from dpgate.gate.workspace import now, workspace
from dpgate.ledger.chain import Chain, Link
from dpgate.ledger.memory import Memory
from dpgate.ledger.roles import keyring
from dpgate.ledger.signers.interface import Signer
from dpgate.model.record import Entry, Reserve, Settle


def recover(
    *, entry: int, key: Signer, repo: Path | str = ".", root: str | None = None
) -> RecoverResult:
    """Close one open reservation as abandoned. Its cost stays spent; it can't be settled later.

    Args:
        entry: number of the reservation.
        key: private key that holds the role ``runner``.
        repo: a release repository, or a folder in it.
        root: genesis digest; needed on a machine that has not seen this ledger before.

    Raises:
        UsageError: the entry is no open reservation.
    """
    space = workspace(Path(repo))
    ledger = open_ledger(space, offline=False)
    memory = trust(ledger.chain, root)
    verify.audit(ledger.tip.files, ledger.chain.root)
    if key.public not in keyring(ledger.policy)["runner"]:
        raise SignatureError(
            f"key {key.public.fingerprint} does not hold role runner",
            fix="use a key under spec.roles.runner.keys",
        )
    found = next((pair for pair in ledger.chain.open if pair[0].entry.sequence == entry), None)
    if found is None:
        known = ", ".join(str(x.sequence) for _, x in ledger.chain.open) or "none"
        raise UsageError(f"entry {entry} is no open reservation", fix=f"open reservations: {known}")
    try:
        with memory.lock.acquire(timeout=0):
            return _close(ledger, memory, found[0], found[1], key)
    except Timeout:
        raise UndecidedError(
            "a release of this repository is running on this machine", fix="wait for it to end"
        ) from None


def _close(
    ledger: OpenLedger, memory: Memory, link: Link, reserve: Reserve, key: Signer
) -> RecoverResult:
    def make(chain: Chain) -> tuple[Entry, str, Mapping[str, str]]:
        if link.digest in chain.settles:
            raise ChainError("the reservation was closed meanwhile", fix="nothing is left to do")
        closing = Settle(
            **entries.header(chain, now()),
            policy_set=chain.policy.sha256,
            release=reserve.release,
            reserve=link.digest,
            outcome="abandoned",
            evidence=(),
            artifacts=(),
        )
        return closing, f"Settle {reserve.release}: abandoned", {"Dpgate-Release": reserve.release}

    closed = entries.append_again(ledger, make, key, memory)
    run = run_of(memory, link.digest)
    if run.kept() is not None:  # it came to its end, whatever that was: nothing is left to resume
        resuming.forget(memory, ledger.chain, reserve.release)
    left = run.folder.exists()
    run.discard()
    kept = " ".join(resuming.offer(memory, ledger.chain, link))
    return RecoverResult(
        release=reserve.release,
        reserve=reserve.sequence,
        settle=closed.entry.sequence,
        deleted_staging=left,
        next="its cost stays spent; a further attempt is charged again, and needs new approvals unless theirs cover it"
        + (f"; {kept}" if kept else ""),
    )
