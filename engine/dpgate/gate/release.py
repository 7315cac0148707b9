"""`release`: the steps of design, readable top to bottom. Spends once, records always.

1 judge · 2 plan · 3 reserve (pushed before the data is opened) · 4 measure, synthesize, evidence,
gate, stage · 5 settle (pushed before anything is promoted) · 6 promote.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import replace
from pathlib import Path

from filelock import Timeout

from dpgate.errors import ConflictError, DpgateError, SignatureError, UndecidedError
from dpgate.gate import budgets, entries, resuming, verify
from dpgate.gate.attempt import attempt, stewards
from dpgate.gate.closing import Job, already, close, close_finished, settle
from dpgate.gate.costing import to_record
from dpgate.gate.opening import OpenLedger, embed, open_ledger, trust
from dpgate.gate.plan import Planned, planned
from dpgate.gate.product import Progress
from dpgate.gate.results import PlanResult, ReleaseResult
from dpgate.gate.resuming import Resuming
from dpgate.gate.signed import offers
from dpgate.gate.staging import Attempted, check_target, default_target, run_of
from dpgate.gate.standing import standing_of
from dpgate.gate.waivers_kept import embedded
from dpgate.gate.workspace import Workspace, now, workspace
from dpgate.gate.worktree import require_releasable, unpushed
from dpgate.ledger.chain import Link
from dpgate.ledger.memory import Memory
from dpgate.ledger.roles import keyring
from dpgate.ledger.signers.interface import Signer
from dpgate.model.finding import Finding
from dpgate.model.record import Reserve, Resumes, Reviewed
from dpgate.model.values import plain, plus_bits, short
from dpgate.policy.facts import facts_of


def _quiet(stage: str, fraction: float) -> None:
    """No progress wanted."""


def release(
    release: str,
    *,
    source: str,
    key: Signer,
    repo: Path | str = ".",
    root: str | None = None,
    out: Path | str | None = None,
    resume: bool = False,
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
        resume: go on with a training that ended early, by its last checkpoint on this machine.
        progress: called with a stage and a fraction.

    Returns:
        The outcome; with `denied` nothing was spent.

    Raises:
        LedgerError: the ledger cannot be trusted, or the remote cannot be reached.
        SourceError: the source cannot be used.
        RepositoryError: documents are not committed on a branch.

    Privacy:
        The cost is reserved in the remote's ledger before the data is opened, and stays spent.
    """
    space = workspace(Path(repo))
    progress("judge", 0.0)
    ledger, memory = _trusted(space, root)
    case = space.case(release)
    require_releasable(ledger.store, case.name, [o.file.file for o in offers(space, case.name)])
    job = Job(
        space=space,
        release=case.name,
        source=source,
        key=key,
        target=None if out is None else Path(out).resolve(),
        memory=memory,
        progress=progress,
        resume=resume,
    )
    return _alone(job, ledger)


def _trusted(space: Workspace, root: str | None) -> tuple[OpenLedger, Memory]:
    """The ledger as the remote holds it, every claim of it derived again."""
    ledger = open_ledger(space, offline=False)
    memory = trust(ledger.chain, root)
    verify.audit(ledger.tip.files, ledger.chain.root)
    memory.remember(ledger.chain)
    return ledger, memory


def _alone(job: Job, ledger: OpenLedger) -> ReleaseResult:
    """One release of a repository at a time on one machine."""
    try:
        with job.memory.lock.acquire(timeout=0):
            result = _locked(job, ledger)
            notes = unpushed(ledger.store) if result.outcome == "released" else ()
            return result.model_copy(update={"notes": notes})
    except Timeout:
        raise UndecidedError(
            "another release of this repository is running on this machine",
            fix="wait for it to end",
        ) from None


def _locked(job: Job, ledger: OpenLedger) -> ReleaseResult:
    done = ledger.chain.released(job.release)
    if done is not None:
        return already(job, ledger.chain, *done)
    closed = close_finished(job, ledger)
    if closed is not None:
        return closed
    for turn in range(entries.ATTEMPTS):
        moment = entries.in_order(ledger.chain, now())
        resumes = _resumed(job, ledger)
        plan = planned(job.space, job.release, standing_of(ledger), moment, resumes)
        if plan.result.verdict != "ready":
            return ReleaseResult(release=job.release, outcome="denied", plan=plan.result)
        witnessed = _witnessed(plan, ledger)
        if isinstance(witnessed, PlanResult):
            return ReleaseResult(release=job.release, outcome="denied", plan=witnessed)
        _preflight(job, plan)
        try:
            ledger, link = _reserve(job, plan, ledger, witnessed)
        except ConflictError:
            if turn == entries.ATTEMPTS - 1:
                raise
            ledger = open_ledger(job.space, offline=False)
            job.memory.check(ledger.chain)
            verify.audit(ledger.tip.files, ledger.chain.root)
            continue
        return _spent(job, plan, ledger, link)
    raise ConflictError("the ledger kept moving")  # pragma: no cover - the loop returns or raises


def _resumed(job: Job, ledger: OpenLedger) -> Resuming | None:
    """What to go on from, if that is wanted; its checkpoint can be read."""
    if not job.resume:
        return None
    found = resuming.find(job.memory, ledger.chain, job.space.case(job.release))
    resuming.require(found)
    return found


def _witnessed(plan: Planned, ledger: OpenLedger) -> tuple[Reviewed, ...] | PlanResult:
    """Reviews on GitHub that the policy demands as well; or the plan that says what is missing."""
    if not plan.result.reviews:
        return ()
    from dpgate.gate.github.reviews import witness

    found = witness(ledger.store, plan.case.name, plan.result.reviews, os.environ)
    lacking = tuple(
        Finding(
            rule="github-reviews",
            level="deny",
            outcome="error" if each.error else "violated",
            message=f"{rule.words} must be there as well: {each.problem}",
            fix="a release job on GitHub asks with GITHUB_TOKEN (pull-requests and contents: read; "
            "members of teams: a token with read:org); see docs/approvals.md",
            file=plan.case.release_file.file,
        )
        for rule, each in zip(plan.result.reviews, found, strict=True)
        if each.reviewed is None
    )
    if lacking:
        update = {"verdict": "denied", "findings": plan.result.findings + lacking, "next": ""}
        return plan.result.model_copy(update=update)
    return tuple(each.reviewed for each in found if each.reviewed is not None)


def _preflight(job: Job, plan: Planned) -> None:
    """Everything that can fail without the data fails here, before anything is spent."""
    from dpgate.evidence import seal
    from dpgate.sources.open import describe

    if job.key.public not in keyring(plan.standing.policy)["runner"]:
        raise SignatureError(
            f"key {job.key.public.fingerprint} does not hold role runner in the policy in force",
            fix="use a key that stands under spec.roles.runner.keys",
        )
    assert plan.cost is not None  # noqa: S101 - a ready plan has a cost
    product, columns = plan.cost.product, plan.case.release.spec.columns
    describe(job.source, plan.case.dataset, columns, whole_rows=product.whole_rows)
    recipients = stewards(plan.standing.policy)
    if recipients:
        seal.parse(recipients)
    check_target(job.target or default_target(job.memory, job.release))
    product.require(job.memory.folder)


def _reserve(
    job: Job, plan: Planned, ledger: OpenLedger, witnessed: tuple[Reviewed, ...]
) -> tuple[OpenLedger, Link]:
    """Push the worst-case cost. After this line it is spent."""
    cost, policy = plan.cost, plan.standing.policy
    assert cost is not None  # noqa: S101 - a ready plan has a cost
    facts = facts_of(plan.case.dataset, plan.case.release)
    past, limits = plan.standing.past, plan.case.dataset.spec.limits
    after = budgets.sums(policy, facts, plan.clock.hour, limits, past, cost.spend)
    number = len(ledger.chain.attempts(job.release)) + 1
    entry = Reserve(
        **entries.header(ledger.chain, plan.moment),
        nonce=secrets.token_hex(16),
        policy_set=ledger.policy_set,
        release=job.release,
        attempt=number,
        facts=facts,
        documents=(
            embed(plan.case.release_file, job.space.root),
            embed(plan.case.dataset_file, job.space.root),
        ),
        approvals=plan.approvals.counted,
        waivers=embedded(plan.waivers),
        resumes=_from(plan.case.resumes),
        reviewed=witnessed,
        events=cost.events,
        spend=to_record(cost.spend),
        claim=cost.claim,
        sums={key: to_record(spend) for key, spend in after.items()},
    )
    lifetime = plan.result.scopes[0]
    delta = short(policy.spec.accounting.delta)
    alone = plain(cost.claim.epsilon) + plus_bits(cost.claim.unprotected_bits)
    trailers = {
        "Dpgate-Release": job.release,
        "Dpgate-Attempt": str(number),
        "Dpgate-Cost": f"epsilon {plain(lifetime.this)} at delta {delta} (alone {alone} "
        f"at delta {short(cost.claim.delta)})",
        "Dpgate-Remaining": f"epsilon {plain(lifetime.remaining)} of {plain(lifetime.limit)}, {lifetime.title}",
    }
    job.progress("reserve", 0.0)
    title = f"Reserve {job.release}, attempt {number}"
    tip, chain, link = entries.append(
        ledger.store, ledger.tip, ledger.chain, entry, job.key, title, trailers, judged=True
    )
    job.memory.remember(chain)
    job.progress("reserve", 1.0)
    return entries.reopened(ledger.store, tip, chain), link


def _from(resumes: Resuming | None) -> Resumes | None:
    return Resumes(reserve=resumes.reserve, steps=resumes.steps) if resumes else None


def _spent(job: Job, plan: Planned, ledger: OpenLedger, reserve: Link) -> ReleaseResult:
    """The data may be opened now. Whatever happens, the attempt is closed."""
    kept = resuming.checkpoints(job.memory, reserve.digest, plan.case.resumes)
    run = replace(run_of(job.memory, reserve.digest), checkpoints=kept)
    assert plan.cost is not None  # noqa: S101 - a ready plan has a cost
    try:
        run.begin(job.release, job.target or default_target(job.memory, job.release))
        made = attempt(plan.case, ledger.policy, plan.cost, job.source, run, job.progress)
        run.keep(made)
        resuming.forget(job.memory, ledger.chain, job.release)  # the training came to its end
    except BaseException as error:
        run.discard()
        _failed(job, ledger, reserve, error)
        for words in resuming.offer(job.memory, ledger.chain, reserve):
            error.add_note(words)
        raise
    return close(job, ledger, reserve, made)


def _failed(job: Job, ledger: OpenLedger, reserve: Link, error: BaseException) -> None:
    """Record that an attempt ended with an error."""
    nothing = Attempted(outcome="failed", evidence=(), artifacts=(), failures=())
    try:
        settle(job, ledger, reserve, nothing)
    except DpgateError as late:
        first = error.message if isinstance(error, DpgateError) else "the attempt was stopped"
        number = reserve.entry.sequence
        raise UndecidedError(
            f"{first}; and that could not be recorded: {late.message}",
            fix=f"its cost is spent; when the ledger can be reached: dpgate ledger recover --entry {number}",
        ) from None
