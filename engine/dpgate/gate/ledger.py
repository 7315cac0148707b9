"""`ledger show`: the ledger as people read it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from dpgate.gate import budgets
from dpgate.gate.opening import open_ledger
from dpgate.gate.results import LedgerResult, LedgerRow, Open, ScopeRow
from dpgate.gate.workspace import now, workspace
from dpgate.ledger.chain import Chain, Link
from dpgate.model.policy import PrivacyPolicy
from dpgate.model.record import Genesis, PolicyAdopted, Reserve, Withdraw
from dpgate.model.values import plain, short
from dpgate.policy.facts import clock
from dpgate.policy.scopes import Scope, scopes
from dpgate.policy.windows import LIFETIME


def show(
    repo: Path | str = ".", *, release: str | None = None, offline: bool = False
) -> LedgerResult:
    """Budgets as they stand, and the entries.

    Args:
        repo: a release repository, or a folder in it.
        release: only entries of this ``dataset/release``.
        offline: the ledger as this clone last fetched it.
    """
    ledger = open_ledger(workspace(Path(repo)), offline=offline)
    chain, policy = ledger.chain, ledger.policy
    rows = tuple(_row(link) for link in chain.links)
    return LedgerResult(
        root=chain.root,
        delta=policy.spec.accounting.delta,
        scopes=scope_rows(chain, policy),
        rows=tuple(row for row in rows if release is None or row.release == release),
        open=tuple(
            Open(entry=entry.sequence, release=entry.release, attempt=entry.attempt)
            for _, entry in chain.open
        ),
    )


def scope_rows(chain: Chain, policy: PrivacyPolicy) -> tuple[ScopeRow, ...]:
    """Every scope that any reservation touches in today's windows, and each lifetime."""
    hour = clock(policy, now()).hour
    past = budgets.tally(chain.reserves, policy)
    found: dict[str, Scope] = {}
    for name, population in policy.spec.populations.items():
        limit = population.lifetime.epsilon
        scope = Scope(population=name, selector=("all", "*"), window=LIFETIME, limit=limit)
        found[scope.key] = scope
    for _, entry in chain.reserves:
        found.update({scope.key: scope for scope in scopes(policy, entry.facts, hour)})
    return tuple(budgets.spent_row(scope, policy, past) for scope in found.values())


def _row(link: Link) -> LedgerRow:
    entry = link.entry
    if isinstance(entry, Genesis):
        kind, release, summary = (
            "genesis",
            "",
            f"{len(entry.approvals)} approvals",
        )
    elif isinstance(entry, PolicyAdopted):
        kind, release = "policy-adopted", ""
        summary = f"{len(entry.approvals)} approvals"
    elif isinstance(entry, Reserve):
        kind, release = "reserve", entry.release
        summary = (
            f"attempt {entry.attempt}: ε {plain(_two(entry.claim.epsilon))} at δ={short(entry.claim.delta)}, "
            f"{len(entry.approvals)} approvals"
        )
    elif isinstance(entry, Withdraw):
        kind, release, summary = "withdraw", entry.release, entry.reason
    else:
        kind, release = "settle", entry.release
        summary = f"{entry.outcome}" + (
            f", {len(entry.artifacts)} files" if entry.artifacts else ""
        )
    return LedgerRow(
        entry=entry.sequence,
        time=entry.time,
        kind=kind,
        release=release,
        summary=summary,
        digest=link.digest,
    )


def _two(value: Decimal) -> Decimal:
    """Two decimals, rounded up."""
    return value.quantize(Decimal("0.01"), rounding="ROUND_CEILING")
