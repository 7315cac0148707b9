"""The evidence of a release, or of a rehearsal, as one report: what was measured, at what cost, of what.

A real release and a rehearsal are described by the same code. The one has no reference beside its rows and
no curve: its numbers are public, or dp and charged, and a sealed one is named without its value. The other
ran on a stand-in, whose own numbers may stand beside them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from dpgate.evidence import pictures
from dpgate.evidence.disclosure import Result
from dpgate.evidence.measures.run import as_number
from dpgate.evidence.report import Bars, EvidenceReport, Heat, Made, Shown
from dpgate.evidence.shown import shown
from dpgate.evidence.thresholds import key_of
from dpgate.model.dataset import Dataset
from dpgate.model.domain import Domain
from dpgate.model.event import Event
from dpgate.model.record import Claim
from dpgate.model.release import Release
from dpgate.model.values import Key

if TYPE_CHECKING:
    import pyarrow as pa

    from dpgate.evidence.measures.interface import Figures
    from dpgate.sources.interface import MarginalSource

_NOISY = (
    "dp figures are noisy and charged; an interval says what the noise of its own measurement allows, "
    "and thresholds judge its bad end"
)
_SEALED = "restricted figures are sealed to the stewards; no ε covers them"
_ATTACKED = "a failed attack proves nothing: what protects is ε; one that succeeds denies a release"


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Released rows of one table.

    Attributes:
        domain: the cells that they are looked at in.
        table: the rows, as they are written.
        reference: the stand-in's rows; never private ones.
    """

    domain: Domain
    table: pa.Table
    reference: MarginalSource | None = None


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a report is about.

    Attributes:
        name: `dataset/release`.
        dataset: the dataset's document.
        release: the manifest.
        claim: what the release states about itself.
        policy_delta: δ at which its person-level ε is stated.
        maker: the synthesizer, or `statistics`.
        results: of evidence.
        charged: the events that were reserved.
        outcome: how it ended.
    """

    name: str
    dataset: Dataset
    release: Release
    claim: Claim
    policy_delta: Decimal
    maker: str
    results: Sequence[Result]
    charged: Sequence[Event]
    outcome: str


def of_release(told: Told, rows: Sequence[Rows] = ()) -> EvidenceReport:
    """The report of a release.

    Args:
        told: what it is about.
        rows: of each table, without a reference; none: statistics.

    Raises:
        ValueError: rows have a reference, which a release must not have.

    Privacy:
        Post-processing of released rows and of results that say what they disclose.
    """
    if any(each.reference is not None for each in rows):
        raise ValueError("a release has no reference: it would be the private data")
    return _report(told, "release", rows)


def of_rehearsal(
    told: Told,
    rows: Sequence[Rows],
    exact: Mapping[Key, Figures],
    stand_in: str,
    note: str,
) -> EvidenceReport:
    """The report of a rehearsal.

    Args:
        told: what it is about.
        rows: of each table, the stand-in's beside them.
        exact: the same measures without noise.
        stand_in: what the stand-in is.
        note: what a reader must know of it.

    Privacy:
        Exact numbers of the stand-in, which must not be private data.
    """
    made = _report(told, "rehearsal", rows)
    about = made.made.model_copy(update={"stand_in": stand_in})
    keys = [key_of(result) for result in told.results]
    results = tuple(
        _beside(each, exact.get(key)) for key, each in zip(keys, made.results, strict=True)
    )
    return made.model_copy(update={"made": about, "results": results, "notes": (note, *made.notes)})


def _beside(result: Shown, exact: Figures | None) -> Shown:
    """A result with what it would be without noise: told where a release would have sealed it."""
    if exact is None:
        return result
    value = as_number(exact.main.value).rstrip("0").rstrip(".")
    words = f"without noise: {value}"
    return result.model_copy(update={"details": (*result.details, words)})


def _report(
    told: Told, kind: Literal["release", "rehearsal"], rows: Sequence[Rows]
) -> EvidenceReport:
    columns, heat = _pictures(told.dataset, rows)
    results = tuple(shown(result, told.release.spec, told.charged) for result in told.results)
    return EvidenceReport(
        made=_made(told, kind),
        results=results,
        bars=columns,
        heat=heat,
        notes=_notes(told.results, results, tables=len(rows)),
    )


def _made(told: Told, kind: Literal["release", "rehearsal"]) -> Made:
    release, claim = told.release, told.claim
    spec, model = release.spec, release.spec.threat_model
    return Made(
        name=told.name,
        title=release.metadata.title or told.dataset.metadata.title or told.name,
        kind=kind,
        synthesizer=told.maker,
        rows=spec.synthesize.rows if spec.synthesize else 0,
        columns=len(spec.columns),
        epsilon=claim.epsilon,
        delta=claim.delta,
        relation=claim.relation,
        unit=claim.unit,
        person_epsilon=claim.person_epsilon,
        person_delta=told.policy_delta,
        rows_per_person=claim.rows_per_person,
        unprotected_bits=claim.unprotected_bits,
        evidence_share=spec.privacy.evidence_share,
        adversary=model.adversary if model else "",
        knows=model.knows if model else (),
        outcome=told.outcome,
    )


def _pictures(dataset: Dataset, rows: Sequence[Rows]) -> tuple[tuple[Bars, ...], Heat | None]:
    """Bars of every column, once each; the heat map of the first table."""
    if not rows:
        return (), None
    from dpgate.sources.arrow import table_source

    drawn: dict[str, Bars] = {}
    heat: Heat | None = None
    for place, each in enumerate(rows):
        released = table_source(each.table, each.domain)
        for bar in pictures.bars(dataset, each.domain, released, each.reference):
            drawn.setdefault(bar.column, bar)
        if not place:
            heat = pictures.heat(dataset, each.domain, released, each.reference)
    return tuple(drawn.values()), heat


def _notes(results: Sequence[Result], told: Sequence[Shown], *, tables: int) -> tuple[str, ...]:
    classes = {result.disclosure for result in results}
    notes = (
        (_NOISY, "dp" in classes),
        (_SEALED, "restricted" in classes),
        (_ATTACKED, any(each.kind == "attack" for each in told)),
        ("dependence is drawn of the first of two tables", tables > 1),
    )
    return tuple(words for words, holds in notes if holds)
