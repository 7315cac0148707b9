"""`withdraw`: call a release back, for good and on record. Its cost stays spent."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dpgate.errors import UsageError
from dpgate.gate import entries, verify
from dpgate.gate.opening import open_ledger, trust
from dpgate.gate.results import WithdrawResult
from dpgate.gate.workspace import now, workspace
from dpgate.ledger.chain import Chain
from dpgate.ledger.signers.interface import Signer
from dpgate.model.record import Entry, Withdraw


def withdraw(
    release: str, *, reason: str, key: Signer, repo: Path | str = ".", root: str | None = None
) -> WithdrawResult:
    """Record that a release is called back.

    Args:
        release: ``dataset/release``.
        reason: why, for everybody who reads the ledger; at most 500 characters.
        key: private key that holds the role ``runner``.
        repo: a release repository, or a folder in it.
        root: genesis digest; needed on a machine that has not seen this ledger before.

    Raises:
        UsageError: it was never released, is withdrawn already, or the reason is empty or too long.
    """
    if not 1 <= len(reason.strip()) <= 500 or not reason.strip().isprintable():
        raise UsageError("a reason is one line of 1 to 500 characters", fix="--reason TEXT")
    ledger = open_ledger(workspace(Path(repo)), offline=False)
    memory = trust(ledger.chain, root)
    verify.audit(ledger.tip.files, ledger.chain.root)

    def make(chain: Chain) -> tuple[Entry, str, Mapping[str, str]]:
        for link, _ in chain.attempts(release):
            if chain.states[link.digest] == "released":
                entry = Withdraw(
                    **entries.header(chain, now()),
                    policy_set=chain.policy.sha256,
                    release=release,
                    reserve=link.digest,
                    reason=reason.strip(),
                )
                return entry, f"Withdraw {release}", {"Dpgate-Release": release}
        done = chain.withdrawn(release)
        what = f"was withdrawn by entry {done.sequence}" if done else "was never released"
        raise UsageError(f"{release} {what}", fix="see: dpgate ledger show")

    link = entries.append_again(ledger, make, key, memory)
    recipients = next(e.facts.recipients for _, e in ledger.chain.attempts(release))
    drawn = ledger.chain.samples_of(release)
    with_it = f" and the rows drawn from its model (entries {', '.join(map(str, drawn))})"
    return WithdrawResult(
        release=release,
        entry=link.entry.sequence,
        recipients=recipients,
        samples=drawn,
        next=f"ask {', '.join(recipients)} to delete it{with_it if drawn else ''} and to say so; "
        "nothing is refunded",
    )
