"""`verify`: re-derive every claim of the ledger, offline, in numbered steps.

The steps stand below in the order in which they run; `docs/verification.md` explains them one by
one under the same numbers. Each returns a line for people, or raises.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from dpgate.errors import ChainError, DpgateError, LedgerError, UndecidedError, UsageError
from dpgate.gate import at_hand, increments, recompute, rederive, replay, samples
from dpgate.gate.collector import paused
from dpgate.gate.results import Step, VerifyResult
from dpgate.gate.workspace import now, policy_of, workspace
from dpgate.ledger.chain import Chain, Link, link_up, read
from dpgate.ledger.keys import PublicKey, parse_public
from dpgate.ledger.memory import Memory, known_roots
from dpgate.ledger.note import hold_against
from dpgate.ledger.store import Store
from dpgate.loading.canonical import sha256
from dpgate.loading.repository import Documents
from dpgate.policy.windows import hour_of


class NotCompared(str):
    """What a step says when it had nothing to compare with: no pass, and no failure."""

    __slots__ = ()


@dataclass
class Audit:
    """What the steps work on and hand on to each other."""

    files: Mapping[str, bytes]
    root: str | None
    documents: Documents | None = None
    folder: Path | None = None
    """Where released files are at hand, if anywhere."""
    checkpoint: bytes | None = None
    """A checkpoint that an auditor kept elsewhere, if any."""
    checkpoint_key: PublicKey | None = None
    remember: bool = True
    """Whether to hold the chain against what this machine saw before."""
    links: tuple[Link, ...] = ()
    chain: Chain | None = None
    reserves: tuple[rederive.Judged, ...] = ()
    signed: replay.Signed = field(default_factory=dict)
    done: list[str] = field(default_factory=list)

    @property
    def linked(self) -> Chain:
        """The chain, once step 4 has made it."""
        if self.chain is None:  # pragma: no cover - steps run in order
            raise ChainError("the chain was not linked up")
        return self.chain


def root_of_trust(audit: Audit) -> str:
    """1: the genesis is the one whose digest was kept elsewhere."""
    if not audit.files:
        raise ChainError("the ledger is empty")
    first = min(audit.files)
    digest = sha256(audit.files[first])
    if audit.root is None:
        return NotCompared(f"{first} is {digest}; no root was given: self-consistency only")
    if digest != audit.root:
        raise ChainError(
            f"releases/ledger/{first}: its digest {digest} is not the root {audit.root}",
            fix="another repository, an edited genesis, or everything signed again: do not trust it",
        )
    return f"genesis {digest[:19]}… is the root"


def form(audit: Audit) -> str:
    """2: every file is one canonical envelope with one well-formed entry."""
    audit.links = read(audit.files)
    count = len(audit.links)
    return f"{count} entr{'y' if count == 1 else 'ies'}, canonical byte for byte"


def signatures(audit: Audit) -> str:
    """3: every entry is signed by runner keys of the policy in force at its place."""
    return rederive.signatures(audit.links)


def links(audit: Audit) -> str:
    """4: numbers, digests and times form one chain; each reservation is closed at most once."""
    audit.chain = link_up(audit.links)
    latest = hour_of(now() + _AHEAD)
    if audit.chain.head.entry.time > latest:
        raise ChainError(
            f"{audit.chain.head.path}: its time, {audit.chain.head.entry.time}, has not come yet",
            fix="compare this machine's clock; if it is right, find out who runs one that is ahead",
        )
    last = len(audit.links)
    return f"1…{last}, no gap, no fork, times in order; {len(audit.chain.open)} reservation(s) open"


def policies(audit: Audit) -> str:
    """5: every policy was approved by those whom the policy before it names."""
    return rederive.policies(audit.linked)


def documents(audit: Audit) -> str:
    """6: every released manifest satisfied the rules then in force."""
    audit.reserves = rederive.judged(audit.linked)
    judged = rederive.documents(audit.reserves, audit.linked.root)
    further = increments.judge(audit.linked, audit.reserves)
    return f"{judged}; {further}" if further else judged


def approvals(audit: Audit) -> str:
    """7: every reservation had its approvals, bound to exact digests, cost and attempts."""
    judged, audit.signed = rederive.approvals(audit.reserves, audit.linked.root)
    return judged


def costs(audit: Audit) -> str:
    """8: no event is charged less than it costs, and every claim of a release covers its events."""
    return recompute.costs(audit.reserves)


def sums(audit: Audit) -> str:
    """9: running sums are exact; one neighboring relation per population."""
    return recompute.sums(audit.reserves)


def budgets(audit: Audit) -> str:
    """10: every reservation fitted every scope that it touched, and the rules about the ledger."""
    held = recompute.budgets_held(audit.reserves)
    ruled = replay.judge(audit.linked, audit.reserves, audit.signed)
    return f"{held}; {ruled}" if ruled else held


def composition(audit: Audit) -> str:
    """11: OpenDP composes the events of every scope to no more than its recorded sum."""
    return recompute.composition(audit.reserves)


def settlements(audit: Audit) -> str:
    """12: what was released met its thresholds; evidence was charged; draws are from kept models."""
    closed = recompute.settlements(audit.linked, audit.reserves)
    drawn = samples.judge(audit.linked, audit.reserves)
    return f"{closed}; {drawn}" if drawn else closed


def work_tree(audit: Audit) -> str:
    """13: manifests in the work tree, and files at hand, are those that were settled."""
    return at_hand.compare(audit.linked, audit.documents, audit.folder)


def memory(audit: Audit) -> str:
    """14: the chain extends the last head that this machine saw."""
    kept = Memory(audit.linked.root)
    kept.check(audit.linked)
    last = kept.last()
    return (
        f"extends entry {last[0]}, the last one seen here"
        if last
        else NotCompared("nothing was seen here before")
    )


def checkpoint(audit: Audit) -> str:
    """15: the chain extends a checkpoint that was kept elsewhere."""
    if audit.checkpoint is None:
        return NotCompared("none was given")
    return hold_against(audit.linked, audit.checkpoint, audit.checkpoint_key)


_AHEAD = dt.timedelta(hours=2)
"""How far another machine's clock may be ahead of this one's."""

STEPS: tuple[tuple[str, Callable[[Audit], str]], ...] = (
    ("root", root_of_trust),
    ("form", form),
    ("signatures", signatures),
    ("chain", links),
    ("policies", policies),
    ("rules", documents),
    ("approvals", approvals),
    ("costs", costs),
    ("sums", sums),
    ("budgets", budgets),
    ("composition", composition),
    ("settlements", settlements),
    ("work tree", work_tree),
    ("last head", memory),
    ("checkpoint", checkpoint),
)


@paused()
def audit(files: Mapping[str, bytes], root: str) -> Chain:
    """All steps that need only the ledger; used before every release.

    Raises:
        LedgerError: the first fault found.
    """
    case = Audit(files, root, remember=False)
    for _, step in STEPS[:12]:
        _guarded(step, case)
    return case.linked


@paused()
def verify(
    repo: Path | str = ".",
    *,
    root: str | None = None,
    artifacts: Path | str | None = None,
    checkpoint: Path | str | None = None,
    checkpoint_key: Path | str | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> VerifyResult:
    """Verify the ledger that this clone holds. Offline.

    Args:
        repo: a clone of the release repository.
        root: genesis digest, kept outside the repository; without it, one that this machine has
            trusted before counts, else the result is "self-consistent, not authenticated".
        artifacts: folder with released files, to hold against their digests.
        checkpoint: a note made by `checkpoint`, kept elsewhere, that the ledger must extend.
        checkpoint_key: public key file of the one who must have signed it.
        progress: called with the name of each step and a fraction.

    Returns:
        All steps, up to the first that failed, with file and reason.

    Raises:
        UndecidedError: the clone holds no ledger.
        UsageError: `artifacts` is no folder.
    """
    folder = Path(artifacts).resolve() if artifacts is not None else None
    if folder is not None and not folder.is_dir():
        raise UsageError(
            f"{folder} is not a folder", fix="--artifacts names the folder with the released files"
        )
    try:
        space = workspace(Path(repo))
        tip = Store(space.root, branch=policy_of(space.policy_file).spec.ledger.branch).local_tip()
        files = dict(tip.files)
    except LedgerError as error:
        return _unreadable(error)
    digest = sha256(files[min(files)] if files else b"")
    known = root or (digest if digest in known_roots() else None)
    case = Audit(files, known, documents=space.documents, folder=folder)
    if checkpoint is not None:
        case.checkpoint = Path(checkpoint).read_bytes()
    if checkpoint_key is not None:
        case.checkpoint_key = parse_public(Path(checkpoint_key).read_text())
    steps, failed = _run(case, progress)
    authenticated = known is not None and steps[0].status == "pass"
    return _result(case, steps, failed, digest, authenticated=authenticated)


def _run(
    case: Audit, progress: Callable[[str, float], None] | None
) -> tuple[tuple[Step, ...], DpgateError | None]:
    """All steps, up to the first that fails."""
    steps: list[Step] = []
    failed: DpgateError | None = None
    for number, (name, step) in enumerate(STEPS, start=1):
        if failed is not None:
            steps.append(Step(number=number, name=name, status="skip", detail="not reached"))
            continue
        if progress:
            progress(name, (number - 1) / len(STEPS))
        try:
            detail = _guarded(step, case)
            status: Literal["pass", "skip"] = "skip" if isinstance(detail, NotCompared) else "pass"
            steps.append(Step(number=number, name=name, status=status, detail=detail))
        except DpgateError as error:
            failed = error
            file, _, rest = error.message.partition(": ")
            shown = (
                (file, rest) if rest and "/" in file and " " not in file else ("", error.message)
            )
            steps.append(
                Step(number=number, name=name, status="fail", detail=shown[1], file=shown[0])
            )
    return tuple(steps), failed


def _guarded(step: Callable[[Audit], str], case: Audit) -> str:
    """Documents inside entries may be hostile: whatever they raise is a fault of the ledger."""
    try:
        return step(case)
    except (LedgerError, UndecidedError):
        raise
    except DpgateError as error:
        detail = "; ".join(str(problem) for problem in error.problems[:3])
        raise LedgerError(
            f"{error.message}{': ' + detail if detail else ''}", fix=error.fix
        ) from None
    except Exception as error:  # a number or a date that no check foresaw
        raise LedgerError(f"an entry cannot be judged ({type(error).__name__})") from error


def _result(
    case: Audit,
    steps: tuple[Step, ...],
    failed: DpgateError | None,
    digest: str,
    *,
    authenticated: bool,
) -> VerifyResult:
    chain = case.chain
    closed = chain.settles.values() if chain else ()
    released = [entry.release for _, entry in closed if entry.outcome == "released"]
    if failed is not None:
        code = 4 if isinstance(failed, UndecidedError) else 3
        advice = failed.fix or "do not trust this ledger; compare it with another clone"
    elif not authenticated:
        code = 4
        advice = "self-consistent, not authenticated: give --root DIGEST, as the owners publish it elsewhere"
    else:
        code, advice = 0, ""
        if case.remember:
            Memory(case.linked.root).remember(case.linked)
    return VerifyResult(
        verified=code == 0,
        authenticated=authenticated,
        root=digest,
        head=chain.head.digest if chain else "",
        entries=len(case.files),
        releases=tuple(released),
        steps=steps,
        exit_code=code,
        next=advice,
    )


def _unreadable(error: LedgerError) -> VerifyResult:
    step = Step(number=2, name="form", status="fail", detail=error.message)
    return VerifyResult(
        verified=False,
        authenticated=False,
        root="",
        head="",
        entries=0,
        releases=(),
        steps=(step,),
        exit_code=error.exit_code,
        next=error.fix,
    )
