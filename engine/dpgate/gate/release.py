"""`release`: the steps of design, readable top to bottom. Spends once, records always.

1 judge · 2 plan · 3 reserve (pushed before the data is opened) · 4 measure, synthesize, evidence,
gate, stage · 5 settle (pushed before anything is promoted) · 6 promote.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from filelock import Timeout

from dpgate.errors import ChainError, ConflictError, SignatureError, UndecidedError
from dpgate.gate import budgets, entries, verify
from dpgate.gate.attempt import Attempted, Progress, attempt, stewards
from dpgate.gate.costing import to_record
from dpgate.gate.opening import OpenLedger, embed, open_ledger, trust
from dpgate.gate.plan import Planned, planned
from dpgate.gate.results import ReleaseResult
from dpgate.gate.staging import check_target, default_target, keep_sealed, promote, run_of
from dpgate.gate.workspace import Workspace, now, workspace
from dpgate.gate.worktree import require_releasable
from dpgate.ledger.chain import Chain, Link
from dpgate.ledger.keys import PrivateKey
from dpgate.ledger.memory import Memory
from dpgate.ledger.roles import keyring
from dpgate.model.record import Entry, Reserve, Settle
from dpgate.model.values import plain, short
from dpgate.policy.facts import facts_of


def _quiet(stage: str, fraction: float) -> None:
    """No progress wanted."""


@dataclass(frozen=True, kw_only=True)
class _Job:
    """What the steps share."""

    space: Workspace
    release: str
    source: str
    key: PrivateKey
    target: Path | None
    memory: Memory
    progress: Progress


def release(
    release: str,
    *,
    source: str,
    key: PrivateKey,
    repo: Path | str = ".",
    root: str | None = None,
    out: Path | str | None = None,
    progress: Progress = _quiet,
) -> ReleaseResult:
    """Make a release through the gate.

    Args:
        release: ``dataset/release``.
        source: path or ``file:`` URI of the private data (Parquet or CSV).
        key: private key that holds the role ``runner``.
        repo: a release repository, or a folder in it.
        root: genesis digest; needed on a machine that has not seen this ledger before.
        out: where the files go; a folder of the machine's state directory if None.
        progress: called with a stage and a fraction.

    Returns:
        The outcome; `denied` if anything is missing, in which case nothing was spent.

    Raises:
        LedgerError: the ledger cannot be trusted, or the remote cannot be reached.
        SourceError: the source cannot be used.
        RepositoryError: documents are not committed, or HEAD is detached.

    Privacy:
        The cost is reserved in the remote's ledger before the data is opened; whatever happens
        afterwards, it stays spent.
    """
    space = workspace(Path(repo))
    progress("judge", 0.0)
    ledger = open_ledger(space, offline=False)
    memory = trust(ledger.chain, root)
    verify.audit(ledger.tip.files, ledger.chain.root)
    memory.remember(ledger.chain)
    case = space.case(release)
    require_releasable(space, ledger.store, case.name)
    target = Path(out).resolve() if out is not None else None
    job = _Job(
        space=space,
        release=case.name,
        source=source,
        key=key,
        target=target,
        memory=memory,
        progress=progress,
    )
    try:
        with memory.lock.acquire(timeout=0):
            return _locked(job, ledger)
    except Timeout:
        raise UndecidedError(
            "another release of this repository is running on this machine",
            fix="wait for it to end",
        ) from None


def _locked(job: _Job, ledger: OpenLedger) -> ReleaseResult:
    done = ledger.chain.released(job.release)
    if done is not None:
        return _already(job, ledger.chain, *done)
    for turn in range(entries.ATTEMPTS):
        plan = planned(job.space, job.release, ledger, entries.in_order(ledger.chain, now()))
        if plan.result.verdict != "ready":
            return ReleaseResult(release=job.release, outcome="denied", plan=plan.result)
        _preflight(job, plan)
        try:
            ledger, link = _reserve(job, plan)
        except ConflictError:
            if turn == entries.ATTEMPTS - 1:
                raise
            ledger = open_ledger(job.space, offline=False)
            job.memory.check(ledger.chain)
            verify.audit(ledger.tip.files, ledger.chain.root)
            continue
        return _spent(job, plan, ledger, link)
    raise ConflictError("the ledger kept moving")  # pragma: no cover - the loop returns or raises


def _preflight(job: _Job, plan: Planned) -> None:
    """Everything that can fail without the data fails here, before anything is spent."""
    from dpgate.evidence import seal
    from dpgate.sources.open import describe

    if job.key.public not in keyring(plan.ledger.policy)["runner"]:
        raise SignatureError(
            f"key {job.key.public.fingerprint} does not hold role runner in the policy in force",
            fix="use a key that stands under spec.roles.runner.keys",
        )
    describe(job.source, plan.case.dataset, plan.case.release.spec.columns)
    recipients = stewards(plan.ledger.policy)
    if recipients:
        seal.parse(recipients)
    check_target(job.target or default_target(job.memory, job.release))


def _reserve(job: _Job, plan: Planned) -> tuple[OpenLedger, Link]:
    """Push the worst-case cost. After this line it is spent."""
    cost, ledger, policy = plan.cost, plan.ledger, plan.ledger.policy
    assert cost is not None  # noqa: S101 - a ready plan has a cost
    facts = facts_of(plan.case.dataset, plan.case.release)
    past = budgets.history(ledger.chain.reserves, policy)
    after = budgets.sums(policy, facts, plan.clock.day, past, cost.spend)
    number = len(ledger.chain.attempts(job.release)) + 1
    entry = Reserve(
        **entries.header(ledger.chain, plan.moment),
        policy_set=ledger.policy_set,
        release=job.release,
        attempt=number,
        facts=facts,
        documents=(
            embed(plan.case.release_file, job.space.root),
            embed(plan.case.dataset_file, job.space.root),
        ),
        approvals=plan.approvals.counted,
        events=cost.events,
        spend=to_record(cost.spend),
        claim=cost.claim,
        sums={key: to_record(spend) for key, spend in after.items()},
    )
    lifetime = plan.result.scopes[0]
    delta = short(policy.spec.accounting.delta)
    trailers = {
        "Dpgate-Release": job.release,
        "Dpgate-Attempt": str(number),
        "Dpgate-Cost": f"epsilon {plain(lifetime.this)} at delta {delta} (alone {plain(cost.claim.epsilon)} "
        f"at delta {short(cost.claim.delta)})",
        "Dpgate-Remaining": f"epsilon {plain(lifetime.remaining)} of {plain(lifetime.limit)}, {lifetime.title}",
    }
    job.progress("reserve", 0.0)
    title = f"Reserve {job.release}, attempt {number}"
    tip, chain, link = entries.append(
        ledger.store, ledger.tip, ledger.chain, entry, job.key, title, trailers
    )
    job.memory.remember(chain)
    job.progress("reserve", 1.0)
    return entries.reopened(ledger.store, tip, chain), link


def _spent(job: _Job, plan: Planned, ledger: OpenLedger, reserve: Link) -> ReleaseResult:
    """The data may be opened now. Whatever happens, the attempt is closed."""
    run = run_of(job.memory, reserve.digest)
    assert plan.cost is not None  # noqa: S101 - a ready plan has a cost
    try:
        run.begin(job.release, job.target or default_target(job.memory, job.release))
        made = attempt(plan.case, ledger.policy, plan.cost, job.source, run, job.progress)
    except BaseException:
        run.discard()
        _settle(job, ledger, reserve, Attempted("failed", (), (), ()))
        raise
    job.progress("settle", 0.0)
    settled = _settle(job, ledger, reserve, made)
    job.progress("settle", 1.0)
    result = _result(job, reserve, settled, made)
    sealed_to = _sealed_path(job, reserve)
    if made.outcome != "released":
        keep_sealed(run, sealed_to)
        run.discard()
        return result
    job.progress("promote", 0.0)
    folder = promote(run, made.artifacts, sealed_to)
    job.progress("promote", 1.0)
    return result.model_copy(update={"folder": str(folder)})


def _settle(job: _Job, ledger: OpenLedger, reserve: Link, made: Attempted) -> Link:
    def make(chain: Chain) -> tuple[Entry, str, Mapping[str, str]]:
        if reserve.digest in chain.settles:
            raise ChainError(
                f"the reservation was closed by entry {chain.settles[reserve.digest][1].sequence} while this attempt ran; "
                "it can't be settled, and nothing is released",
                fix="its cost is spent; a new attempt needs a new reservation",
            )
        entry = Settle(
            **entries.header(chain, now()),
            policy_set=chain.policy.sha256,
            release=job.release,
            reserve=reserve.digest,
            outcome=made.outcome,
            evidence=made.evidence,
            artifacts=made.artifacts,
        )
        title = f"Settle {job.release}: {made.outcome}"
        return (
            entry,
            title,
            {"Dpgate-Release": job.release, "Dpgate-Reservation": str(reserve.entry.sequence)},
        )

    return entries.append_again(ledger, make, job.key, job.memory)


def _result(job: _Job, reserve: Link, settled: Link, made: Attempted) -> ReleaseResult:
    failed = made.outcome != "released"
    return ReleaseResult(
        release=job.release,
        outcome="gate-failed" if failed else "released",
        reserve=reserve.entry.sequence,
        settle=settled.entry.sequence,
        artifacts=tuple(
            {"name": a.name, "sha256": a.sha256} for a in made.artifacts if not a.sealed
        ),
        evidence=made.evidence,
        failures=made.failures,
        next=(
            "the attempt is spent; a further one is charged again and needs an approval with more --attempts"
            if failed
            else "dpgate verify --root " + job.memory.root
        ),
    )


def _sealed_path(job: _Job, reserve: Link) -> Path:
    return (
        job.memory.folder
        / "sealed"
        / f"{job.release.replace('/', '.')}-{reserve.entry.sequence}.json.age"
    )


def _already(job: _Job, chain: Chain, link: Link, entry: Settle) -> ReleaseResult:
    """The same manifest returns the stored release; a promotion that was cut short is finished."""
    run = run_of(job.memory, entry.reserve)
    folder = ""
    if (run.folder / "run.json").exists():
        reserve = next(x for x, _ in chain.reserves if x.digest == entry.reserve)
        folder = str(promote(run, entry.artifacts, _sealed_path(job, reserve)))
    elif (kept := job.target or default_target(job.memory, job.release)).is_dir():
        folder = str(kept)
    return ReleaseResult(
        release=job.release,
        outcome="already-released",
        settle=entry.sequence,
        artifacts=tuple(
            {"name": a.name, "sha256": a.sha256} for a in entry.artifacts if not a.sealed
        ),
        folder=folder,
        evidence=entry.evidence,
        next=f"nothing was spent; entry {link.entry.sequence} released it. For new rows write a new manifest",
    )
