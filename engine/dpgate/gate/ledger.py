"""`ledger show`: the ledger as people read it."""

from __future__ import annotations

from pathlib import Path

from dpgate.accounting.rounding import up
from dpgate.gate import budgets, consent_kept
from dpgate.gate.ledger_results import LedgerResult, LedgerRow, LogLine, LogResult
from dpgate.gate.past import ChainPast
from dpgate.gate.results import Open, ScopeRow
from dpgate.gate.standing import open_signed
from dpgate.gate.waivers_kept import with_waivers
from dpgate.gate.workspace import now, workspace
from dpgate.ledger.chain import Chain, Link
from dpgate.model.policy import PrivacyPolicy
from dpgate.model.record import Genesis, PolicyAdopted, Reserve, Sample, Withdraw
from dpgate.model.values import counted, plain, plus_bits, short
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
    ledger = open_signed(workspace(Path(repo)), offline=offline)
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
    past = ChainPast(chain, policy.spec.accounting.orders)
    found: dict[str, Scope] = {}
    for name, population in policy.spec.populations.items():
        limit = population.lifetime.epsilon
        scope = Scope(population=name, selector=("all", "*"), window=LIFETIME, limit=limit)
        found[scope.key] = scope
    for _, entry in chain.reserves:
        found.update({scope.key: scope for scope in scopes(policy, entry.facts, hour, None)})
    return tuple(budgets.spent_row(scope, policy, past) for scope in found.values())


def summary(link: Link) -> tuple[str, str, str]:
    """Kind of an entry, the release it is about, and what it says in a few words."""
    entry = link.entry
    if isinstance(entry, Genesis | PolicyAdopted):
        kind = "genesis" if isinstance(entry, Genesis) else "policy-adopted"
        return kind, "", consent_kept.counts(entry.approvals)
    if isinstance(entry, Reserve):
        bits = plus_bits(entry.claim.unprotected_bits)
        cost = f"ε {plain(up(entry.claim.epsilon, 2))}{bits} at δ={short(entry.claim.delta)}"
        text = f"attempt {entry.attempt}: {cost}, {consent_kept.counts(entry.approvals)}"
        text += with_waivers(entry) + (", resumed" if entry.resumes else "")
        return "reserve", entry.release, text
    if isinstance(entry, Withdraw):
        return "withdraw", entry.release, entry.reason
    if isinstance(entry, Sample):
        return "sample", entry.release, f"{_asked(entry)}, {counted(len(entry.artifacts), 'file')}"
    files = f", {counted(len(entry.artifacts), 'file')}" if entry.artifacts else ""
    return "settle", entry.release, f"{entry.outcome}{files}"


def _asked(entry: Sample) -> str:
    """What a draw was asked for, in a few words."""
    draw = entry.draw
    where = f" where {' and '.join(map(str, draw.where))}" if draw.where else ""
    balance = f" balanced over {draw.balance}" if draw.balance else ""
    return f"{draw.rows} rows{where}{balance}"


def _row(link: Link) -> LedgerRow:
    kind, release, text = summary(link)
    return LedgerRow(
        entry=link.entry.sequence,
        time=link.entry.time,
        kind=kind,
        release=release,
        summary=text,
        digest=link.digest,
    )


def log(repo: Path | str = ".", *, offline: bool = False) -> LogResult:
    """The ledger as sentences, one an entry.

    Args:
        repo: a release repository, or a folder in it.
        offline: the ledger as this clone last fetched it.
    """
    chain = open_signed(workspace(Path(repo)), offline=offline).chain
    lines = tuple(
        LogLine(entry=link.entry.sequence, time=link.entry.time, text=_sentence(link, chain))
        for link in chain.links
    )
    return LogResult(root=chain.root, lines=lines)


_ENDED = {
    "released": "was released",
    "gate-failed": "missed a threshold: nothing was released, its cost stays spent",
    "failed": "ended with an error: nothing was released, its cost stays spent",
    "abandoned": "was given up: nothing was released, its cost stays spent",
}


def _entries(numbers: tuple[int, ...]) -> str:
    return f"entr{'y' if len(numbers) == 1 else 'ies'} {', '.join(map(str, numbers))}"


def _resumed(entry: Reserve, chain: Chain) -> str:
    """Of a reservation that resumes another: which, and that it charges what was left."""
    if entry.resumes is None:
        return ""
    wanted = entry.resumes
    first = chain.reserve(wanted.reserve)[1].sequence
    return (
        f"; it resumes the training of entry {first} after {wanted.steps} steps, whose cost stays spent: "
        "the steps that were left, and what follows them, are charged here, and ε is that of the whole"
    )


def _sentence(link: Link, chain: Chain) -> str:
    entry = link.entry
    if isinstance(entry, Genesis | PolicyAdopted):
        what = "The first policy" if isinstance(entry, Genesis) else "A changed policy"
        return f"{what} came into force, with {consent_kept.counts(entry.approvals)}."
    if isinstance(entry, Reserve):
        facts, claim = entry.facts, entry.claim
        cost = f"ε {plain(up(claim.epsilon, 2))}{plus_bits(claim.unprotected_bits)}"
        return (
            f"{entry.release} was charged to {' and '.join(facts.populations)} before the data was opened: "
            f"{cost} for one {claim.unit} at δ={short(claim.delta)}; purpose "
            f"{facts.purpose}, for {', '.join(facts.recipients)}; attempt {entry.attempt}, "
            f"{consent_kept.counts(entry.approvals)}{with_waivers(entry)}{_resumed(entry, chain)}."
        )
    if isinstance(entry, Withdraw):
        drawn = chain.samples_of(entry.release)
        with_it = f", with the rows drawn by {_entries(drawn)}" if drawn else ""
        return f"{entry.release} was called back{with_it}: {entry.reason}"
    if isinstance(entry, Sample):
        settled = next(e.sequence for at, e in chain.settles.values() if at.digest == entry.settle)
        return (
            f"{_asked(entry)} were drawn again from the model that {entry.release} kept (entry {settled}), "
            f"for {', '.join(entry.recipients)}; nothing was spent."
        )
    _, paid = chain.reserve(entry.reserve)
    return f"{entry.release}, charged by entry {paid.sequence}, {_ENDED[entry.outcome]}."
