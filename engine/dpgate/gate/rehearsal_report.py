"""The evidence of a rehearsal: of the manifest as it stands, first run, as data and as a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dpgate.gate.rehearsal import WARNING, RehearsedPoint, StandIn
from dpgate.gate.stand_in import WORKING
from dpgate.gate.workspace import Case
from dpgate.model.finding import Finding
from dpgate.model.policy import PrivacyPolicy
from dpgate.model.values import counted

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
