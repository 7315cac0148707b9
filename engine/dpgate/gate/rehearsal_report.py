"""The evidence of a rehearsal: of the manifest as it stands, first run, as data and as a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dpgate.errors import UsageError
from dpgate.gate.product import Progress
from dpgate.gate.rehearsal import WARNING, RehearsedFurther, RehearsedPoint, StandIn
from dpgate.gate.stand_in import WORKING
from dpgate.gate.workspace import Case
from dpgate.model.finding import Finding
from dpgate.model.policy import PrivacyPolicy
from dpgate.model.values import counted
from dpgate.synthesis import registry

if TYPE_CHECKING:
    from dpgate.evidence.report import Curve, EvidenceReport
    from dpgate.gate.rehearsing import Rehearsed


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Where a rehearsal plays."""

    case: Case
    policy: PrivacyPolicy
    findings: tuple[Finding, ...]
    stand_in: StandIn
    source: str


@dataclass(frozen=True, kw_only=True)
class Further:
    """How often the synthesizer is run anew.

    Attributes:
        rounds: of shadow models, 0 or at least 4.
        canaries: made-up rows, half of which are planted; 0: none.
    """

    rounds: int = 0
    canaries: int = 0

    def __bool__(self) -> bool:
        return bool(self.rounds or self.canaries)

    def check(self, case: Case) -> None:
        """Raises UsageError for a number that says nothing, two tables, or a training on persons."""
        if self.rounds and self.rounds < 4:
            raise UsageError(f"shadow models need 4 rounds at least, not {self.rounds}")
        if self.canaries and self.canaries < 20:
            raise UsageError(f"canaries need 20 at least to say anything, not {self.canaries}")
        if self and case.dataset.spec.joined is not None:
            raise UsageError(
                "shadow models and canaries are of one table, and this dataset has two"
            )
        if self and _samples_persons(case):
            raise UsageError(
                "shadow models and canaries plant rows of nobody, and this manifest's training samples "
                "whole persons"
            )


def _samples_persons(case: Case) -> bool:
    """Whether whole persons of several rows are what is trained on."""
    made, unit = case.release.spec.synthesize, case.dataset.spec.unit
    if made is None or unit.column is None or unit.rows_together == 1:
        return False
    return bool(getattr(registry.get(made.with_), "samples_persons", False))


@dataclass(frozen=True, kw_only=True)
class Seen:
    """The first run of the manifest as it stands, looked at more closely."""

    report: EvidenceReport
    further: tuple[RehearsedFurther, ...]


def looked_at(stage: Stage, run: Rehearsed, more: Further, progress: Progress) -> Seen:
    """Its evidence, and the attacks that run its synthesizer anew.

    Args:
        stage: where it played.
        run: of the manifest as it stands.
        more: what is run beside it.
        progress: told how far that is.
    """
    from dpgate.evidence.shown import beside
    from dpgate.gate.refitting import further

    told = [beside(title, figures) for title, figures in further(stage.case, run, more, progress)]
    report = reported(stage, run)
    return Seen(
        report=report.model_copy(update={"results": (*report.results, *told)}),
        further=tuple(
            RehearsedFurther(
                title=each.title, value=each.value.value, low=each.value.low, high=each.value.high
            )
            for each in told
            if each.value is not None
        ),
    )


def reported(stage: Stage, run: Rehearsed) -> EvidenceReport:
    """The evidence of one run, its pictures beside those of the stand-in."""
    from dpgate.evidence import describe

    told = describe.Told(
        name=stage.case.name,
        dataset=stage.case.dataset,
        release=stage.case.release,
        claim=run.cost.claim,
        policy_delta=stage.policy.spec.accounting.delta,
        maker=run.cost.product.maker,
        results=run.results,
        charged=run.cost.events,
        outcome="",
    )
    rows = [
        describe.Rows(domain=p.product.task.domain, table=p.table, reference=p.source)
        for p in run.parts
    ]
    return describe.of_rehearsal(told, rows, run.exact, stage.stand_in.words, WARNING)


def finished(
    report: EvidenceReport, curve: Curve, points: Sequence[RehearsedPoint]
) -> EvidenceReport:
    """The report of the first run, with what the whole sweep came to."""
    own = next(point for point in points if point.own)
    outcome = f"passed in {own.passed} of {counted(own.runs, 'run')}"
    made = report.made.model_copy(update={"outcome": outcome})
    return report.model_copy(update={"made": made, "curve": curve})


def written(folder: Path, report: EvidenceReport) -> tuple[str, ...]:
    """The report as data and as a page."""
    from dpgate.evidence.page.write import files

    made = files(report)
    for name, body in made.items():
        part = folder / WORKING / name
        part.write_bytes(body)
        part.rename(folder / name)
    return tuple(made)
