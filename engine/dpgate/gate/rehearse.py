"""`rehearse`: a release's whole pipeline on rows that stand in for the private data, at no cost.

Each place of a sweep over synthesizers and ε is planned, made, measured and judged as a release would be,
several times. There is no ledger, key, remote or budget in it, and nothing is remembered.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TypedDict, Unpack

from dpgate.errors import DpgateError, Problem, UsageError
from dpgate.gate import check
from dpgate.gate.product import Progress
from dpgate.gate.rehearsal import WARNING, RehearsalResult, RehearsedPoint
from dpgate.gate.rehearsal_report import Further, Seen, Stage, finished, looked_at, written
from dpgate.gate.stand_in import WORKING, prepared, require, working
from dpgate.gate.suitable import allowed
from dpgate.gate.workspace import Case, now, policy_of, workspace
from dpgate.model.finding import Finding
from dpgate.model.policy import PrivacyPolicy
from dpgate.model.values import plain
from dpgate.policy.facts import clock
from dpgate.synthesis import registry

EPSILONS = tuple(map(Decimal, ("0.1", "0.3", "1", "3", "10")))
"""The sweep if none is asked for."""
_RUNS = 3
_AT_MOST = 100
_STRUCTURAL = frozenset(
    ("known-columns", "derived-columns", "no-identifiers", "two-tables", "known-synthesizer")
)
"""Rules without which there is nothing that could be rehearsed."""


class Asked(TypedDict, total=False):
    """What is swept."""

    epsilons: Sequence[Decimal]
    """To try, above 0; the manifest's own joins them. `EPSILONS` if empty."""
    synthesizers: Sequence[str]
    """To try; the manifest's own joins them. If empty, those that are installed and that the policy
    allows for the class of every column."""
    runs: int
    """Of each place, 1 to 100; 3 if left out."""
    rows: int | None
    """How many invented ones; of persons, where there are two tables."""
    shadow: int
    """Rounds of shadow models on the manifest as it stands, 0 or at least 4; 0 if left out."""
    canaries: int
    """Made-up rows, half of which are planted, 0 or at least 20; 0 if left out."""


def _quiet(stage: str, fraction: float) -> None:
    """Tells nobody."""


def rehearse(
    release: str,
    repo: Path | str = ".",
    *,
    stand_in: str | None = None,
    stand_in_is_public: bool = False,
    out: Path | str | None = None,
    progress: Progress = _quiet,
    **asked: Unpack[Asked],
) -> RehearsalResult:
    """Rehearse a release on a stand-in, over several synthesizers and ε.

    Args:
        release: ``dataset/release``; its manifest and policy as the work tree has them.
        repo: a release repository, or a folder in it.
        stand_in: where public rows of the dataset's shape are, as `--source` names private ones;
            invented rows if None.
        stand_in_is_public: that somebody vouches for that.
        out: folder for the manifest's own evidence; must not exist or be empty. `rehearsal-NAME`
            of the current folder if None.
        progress: told about each place of the sweep.
        asked: `epsilons`, `synthesizers`, `runs`, `rows`, `shadow`, `canaries`; see `Asked`.

    Returns:
        Every measure at every place, what the gate would have said, and what to write.

    Raises:
        UsageError: something that was asked for cannot be meant, or the manifest makes no rows.
        SynthesisError: a synthesizer that was named is unknown or refused.
        SourceError: the stand-in cannot be read.

    Privacy:
        Numbers are exact: of a stand-in, which nothing protects. Nothing is charged, since nothing
        private is read; whoever names private data as a stand-in gives it away.
    """
    space = workspace(Path(repo))
    case, policy = space.case(release), policy_of(space.policy_file)
    findings = _possible(case, policy)
    tried = _synthesizers(case, policy, asked.get("synthesizers", ()))
    swept = _epsilons(case, asked.get("epsilons", ()))
    rows, runs, more = asked.get("rows"), *_often(case, asked)
    require(case, stand_in, rows, public=stand_in_is_public)
    folder = Path(out) if out else Path(f"rehearsal-{case.name.rpartition('/')[2]}")
    with working(folder) as place:
        rows_in, source = prepared(case, place, stand_in, rows, progress)
        stage = Stage(case=case, policy=policy, findings=findings, stand_in=rows_in, source=source)
        return _played(stage, tried, swept, runs, more, folder, progress)


def _often(case: Case, asked: Asked) -> tuple[int, Further]:
    """Runs of each place; and what is run anew beside them."""
    runs = asked.get("runs", _RUNS)
    if not 1 <= runs <= _AT_MOST:
        raise UsageError(f"runs is a number from 1 to {_AT_MOST}, not {runs}")
    more = Further(rounds=asked.get("shadow", 0), canaries=asked.get("canaries", 0))
    more.check(case)
    return runs, more


def _played(
    stage: Stage,
    synthesizers: tuple[str, ...],
    epsilons: tuple[Decimal, ...],
    runs: int,
    more: Further,
    folder: Path,
    progress: Progress,
) -> RehearsalResult:
    from dpgate.gate.sweep import Sweep, curve, suggestions

    seen: list[Seen] = []
    sweep = Sweep(
        case=stage.case,
        policy=stage.policy,
        source=stage.source,
        folder=folder / WORKING,
        synthesizers=synthesizers,
        epsilons=epsilons,
        runs=runs,
        progress=progress,
        seen=lambda run: seen.append(looked_at(stage, run, more, progress)),
    )
    points = tuple(sweep.points())
    drawn = curve(points, stage.stand_in.words)
    files = written(folder, finished(seen[0].report, drawn, points)) if seen else ()
    spec = stage.case.release.spec
    assert spec.synthesize is not None  # noqa: S101 - it makes rows
    return RehearsalResult(
        release=stage.case.name,
        warning=WARNING,
        stand_in=stage.stand_in,
        rows=spec.synthesize.rows,
        delta=spec.privacy.delta,
        evidence_share=spec.privacy.evidence_share,
        runs=runs,
        points=points,
        suggestions=suggestions(points, allowed(stage.policy, stage.case.dataset, spec.columns)),
        further=seen[0].further if seen else (),
        findings=stage.findings,
        notes=_notes(stage, points),
        folder=str(folder.resolve()) if files else "",
        files=files,
        next=f"what a choice would cost, in every budget: dpgate plan {stage.case.name}",
    )


def _possible(case: Case, policy: PrivacyPolicy) -> tuple[Finding, ...]:
    """What the policy's rules say; raises where nothing could be rehearsed."""
    if case.release.spec.synthesize is None:
        raise UsageError(
            f"{case.name} makes statistics, and a rehearsal is of rows",
            fix=f"their accuracy follows from their noise alone: dpgate plan {case.name}",
        )
    found = check.judge(case, policy, clock(policy, now()).day)
    broken = [each for each in found if each.level == "deny" and each.rule in _STRUCTURAL]
    if broken:
        raise UsageError(
            f"{case.name} cannot be made as it stands",
            fix="dpgate check says what is wrong",
            problems=tuple(
                Problem(file=f.file, line=f.line, column=f.column, message=f.message, fix=f.fix)
                for f in broken
            ),
        )
    return found


def _synthesizers(case: Case, policy: PrivacyPolicy, asked: Sequence[str]) -> tuple[str, ...]:
    """The manifest's own first; those that were named must be there."""
    spec = case.release.spec
    assert spec.synthesize is not None  # noqa: S101 - checked before
    for name in asked:
        registry.require(registry.get(name))
    more = asked or [n for n in allowed(policy, case.dataset, spec.columns) if _installed(n)]
    return tuple(dict.fromkeys((spec.synthesize.with_, *more)))


def _installed(name: str) -> bool:
    try:
        registry.require(registry.get(name))
    except DpgateError:
        return False
    return True


def _epsilons(case: Case, asked: Sequence[Decimal]) -> tuple[Decimal, ...]:
    odd = [each for each in asked if not 0 < each <= _AT_MOST]
    if odd:
        raise UsageError(f"ε is above 0 and at most {_AT_MOST}, not {plain(odd[0])}")
    return tuple(sorted({*(asked or EPSILONS), case.release.spec.privacy.epsilon}))


def _notes(stage: Stage, points: Sequence[RehearsedPoint]) -> tuple[str, ...]:
    """What a reader may miss."""
    spec = stage.case.release.spec
    notes = []
    if stage.stand_in.kind == "mock":
        notes.append(
            "invented columns depend on each other in ways of their own: compare synthesizers and see how "
            "far noise carries; how well your data is kept, a public dataset of its shape tells better"
        )
    if not spec.utility and not spec.attacks:
        notes.append("the manifest has no thresholds, so next to nothing can fail")
    if not any(point.own and point.runs for point in points):
        notes.append("the manifest's own place made no run, so there is no evidence to write")
    return tuple(notes)
