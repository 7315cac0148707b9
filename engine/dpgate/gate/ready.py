"""Release everything that is ready: what a runner does when something was merged, or every night.

Ready is what `plan` calls so: nothing denies it, every approval is there, and it was not released.
Each is planned again under the lock, on the head of the ledger, when its turn comes.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from dpgate.errors import ConflictError, DpgateError, UsageError
from dpgate.gate import entries, verify
from dpgate.gate.opening import OpenLedger, open_ledger, trust
from dpgate.gate.plan import planned
from dpgate.gate.product import Progress
from dpgate.gate.release import release
from dpgate.gate.results import ReleaseResult
from dpgate.gate.staging import run_of
from dpgate.gate.standing import standing_of
from dpgate.gate.workspace import Workspace, now, workspace
from dpgate.ledger.memory import Memory
from dpgate.ledger.signers.interface import Signer
from dpgate.model.values import Frozen

_NAMED = re.compile(r"([a-z0-9][a-z0-9-]*)=(.+)")
_TURNS = 6
_PAUSE_SECONDS = 2.0
_GRAVEST = (0, 1, 2, 4, 3)
"""Exit codes, the gravest last."""


class ReadyRow(Frozen):
    """One manifest that is not released yet, or was not before."""

    release: str
    outcome: Literal["released", "already-released", "gate-failed", "denied", "waiting", "error"]
    told: str
    """Why, in a line."""
    code: int = 0
    """What it adds to the exit code. Manifests that only wait add nothing."""
    result: ReleaseResult | None = None


class ReadyResult(Frozen):
    """What a run over all manifests did."""

    schema_: Annotated[Literal["dpgate.ready/v1"], Field(alias="schema")] = "dpgate.ready/v1"
    rows: tuple[ReadyRow, ...]
    settled: int
    """Manifests that were released or withdrawn before this run."""

    @property
    def released(self) -> tuple[str, ...]:
        """What this run released."""
        return tuple(row.release for row in self.rows if row.outcome == "released")

    @property
    def exit_code(self) -> int:
        """The gravest of the attempts' codes."""
        return max((row.code for row in self.rows), default=0, key=_GRAVEST.index)


def release_ready(
    *,
    sources: Iterable[str],
    key: Signer,
    repo: Path | str = ".",
    root: str | None = None,
    out: Path | str | None = None,
    progress: Progress | None = None,
    pause: Callable[[float], None] = time.sleep,
) -> ReadyResult:
    """Release every manifest of the work tree that is ready, one after the other.

    Args:
        sources: ``DATASET=URI`` each; or one URI alone, where manifests of one dataset are ready.
        key: what signs; its key holds the role ``runner``.
        repo: a release repository, or a folder in it.
        root: genesis digest; needed on a machine that has not seen this ledger before.
        out: folder under which each release gets its own; the machine's state directory if None.
        progress: called with a stage and a fraction.
        pause: waits for so many seconds, before a further try on a ledger that moved.

    Raises:
        UsageError: a source is missing, or two are given for a dataset; nothing was spent.
        LedgerError: the ledger cannot be trusted, or the remote cannot be reached.
    """
    space = workspace(Path(repo))
    given = _sources(sources, space)
    ledger = open_ledger(space, offline=False)
    memory = trust(ledger.chain, root)
    verify.audit(ledger.tip.files, ledger.chain.root)
    memory.remember(ledger.chain)
    rows, turns, settled = _sorted(space, ledger, memory)
    for name in turns:
        _source(given, name, turns)
    for name in turns:
        target = None if out is None else Path(out) / name

        def once(name: str = name, target: Path | None = target) -> ReleaseResult:
            source = _source(given, name, turns)
            more: dict[str, Any] = {} if progress is None else {"progress": progress}
            return release(
                name, source=source, key=key, repo=space.root, root=root, out=target, **more
            )

        rows.append(_attempted(name, once, pause))
        if rows[-1].code == 3:
            break  # nothing is built on a ledger that does not hold together
    order = tuple(space.documents.releases)
    rows.sort(key=lambda row: order.index(row.release))
    return ReadyResult(rows=tuple(rows), settled=settled)


def _sorted(
    space: Workspace, ledger: OpenLedger, memory: Memory
) -> tuple[list[ReadyRow], list[str], int]:
    """Manifests that must wait, those whose turn it is, and how many are done."""
    standing = standing_of(ledger)
    moment = entries.in_order(ledger.chain, now())
    unfinished = _unfinished(ledger, memory)
    waiting: list[ReadyRow] = []
    turns: list[str] = []
    settled = 0
    for name in space.documents.releases:
        found = planned(space, name, standing, moment).result
        if name in unfinished or found.verdict == "ready":
            turns.append(name)
        elif found.verdict in ("released", "withdrawn"):
            settled += 1
        elif found.verdict == "waiting":
            lacking = [f"{row.role} {row.have} of {row.needed}" for row in found.approvals]
            waiting.append(
                ReadyRow(release=name, outcome="waiting", told=f"approvals: {', '.join(lacking)}")
            )
        else:
            first = next((f.message for f in found.findings if f.level == "deny"), found.next)
            # A reservation that nobody closed wants a person; an old manifest that rules deny does not.
            code = 1 if found.open else 0
            waiting.append(ReadyRow(release=name, outcome="denied", told=first, code=code))
    return waiting, turns, settled


def _unfinished(ledger: OpenLedger, memory: Memory) -> set[str]:
    """Releases that this machine began and can bring to their end without a further cost."""
    found = {e.release for x, e in ledger.chain.open if run_of(memory, x.digest).kept()}
    return found | {
        entry.release
        for link, entry in ledger.chain.reserves
        if ledger.chain.states[link.digest] == "released"
        and (run_of(memory, link.digest).folder / "run.json").exists()
    }


def _attempted(
    name: str, once: Callable[[], ReleaseResult], pause: Callable[[float], None]
) -> ReadyRow:
    """One release; again, with growing pauses, while others write to the ledger first."""
    for turn in range(_TURNS):
        try:
            done = once()
        except ConflictError as error:
            if turn == _TURNS - 1:
                return _failed(name, error)
            pause(_PAUSE_SECONDS * 2**turn * (1 + random.random()))  # noqa: S311 - only spreads runners
        except DpgateError as error:
            return _failed(name, error)
        else:
            return _row(name, done)
    raise AssertionError("the loop returns")  # pragma: no cover


def _failed(name: str, error: DpgateError) -> ReadyRow:
    told = f"{error.message}; {error.fix}" if error.fix else error.message
    return ReadyRow(release=name, outcome="error", told=told, code=error.exit_code)


def _row(name: str, done: ReleaseResult) -> ReadyRow:
    good = done.outcome in ("released", "already-released")
    told = done.next
    if done.outcome == "gate-failed":
        told = "; ".join(done.failures)
    elif done.plan is not None:
        denials = [f.message for f in done.plan.findings if f.level == "deny"]
        told = (denials or [done.plan.next])[0]
    return ReadyRow(
        release=name, outcome=done.outcome, told=told, code=0 if good else 1, result=done
    )


def _sources(given: Iterable[str], space: Workspace) -> Mapping[str, str]:
    """Sources by dataset; "" for the one that names none."""
    found: dict[str, str] = {}
    for text in given:
        match = _NAMED.fullmatch(text)
        name, uri = (match[1], match[2]) if match else ("", text)
        if name and name not in space.documents.datasets:
            raise UsageError(
                f"a source is given for {name}, and there is no such dataset",
                fix=f"DATASET=URI; a path that begins with {name}= is written ./{name}=…",
            )
        if name in found:
            raise UsageError(
                f"two sources for {name or 'all datasets'}", fix="give one for each: DATASET=URI"
            )
        found[name] = uri
    return found


def _source(given: Mapping[str, str], release: str, turns: list[str]) -> str:
    dataset = release.split("/", maxsplit=1)[0]
    datasets = {name.split("/")[0] for name in turns}
    uri = given.get(dataset) or (given.get("") if len(datasets) == 1 else None)
    if uri is None:
        raise UsageError(
            f"no source of {dataset} was given, and {release} is ready",
            fix=f"--source {dataset}=URI",
        )
    return uri
