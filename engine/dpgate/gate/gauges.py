"""The evidence of synthetic rows: planned from documents, measured at a cost, sealed for stewards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from importlib.util import find_spec
from typing import TYPE_CHECKING

from dpgate.accounting.rounding import up
from dpgate.errors import MissingExtraError
from dpgate.evidence.measures import plan as planning
from dpgate.evidence.measures.interface import Measure, Scene
from dpgate.evidence.measures.registry import guarded, measures_of
from dpgate.evidence.thresholds import Limit, limits_of
from dpgate.gate.evidence_rows import EvidenceRow
from dpgate.gate.product import Bench, Shortfall
from dpgate.gate.workspace import Case
from dpgate.model.domain import Domain
from dpgate.model.event import Event
from dpgate.model.release import ReleaseSpec
from dpgate.model.values import Key, plain
from dpgate.synthesis.interface import Task

if TYPE_CHECKING:
    import pyarrow as pa

    from dpgate.evidence.disclosure import DpResult
    from dpgate.evidence.exact.interface import Exact
    from dpgate.evidence.measures.subject import Subject
    from dpgate.evidence.restricted import Document


@dataclass(frozen=True, kw_only=True)
class Gauges:
    """What is measured of the rows of one table.

    Attributes:
        spec: the manifest.
        scene: public documents that measures are planned from.
        measures: with noise, each at a cost.
        exacts: without noise, for thresholds whose verdict is one unprotected bit.
        rows_at_most: public bound on the rows of the data.
        table: which of two tables; None where there is one.
    """

    spec: ReleaseSpec
    scene: Scene
    measures: tuple[Measure, ...]
    exacts: tuple[Exact, ...]
    rows_at_most: int
    table: str | None = None

    @classmethod
    def of(cls, case: Case, domain: Domain, rows_at_most: int, table: str | None = None) -> Gauges:
        """The evidence that a manifest asks for.

        Raises:
            EvidenceError: a measure is not installed, or not for these columns.
        """
        spec = case.release.spec
        scene = Scene(
            dataset=case.dataset,
            domain=domain,
            relation=case.dataset.spec.neighboring,
            threat_model=spec.threat_model,
        )
        return cls(
            spec=spec,
            scene=scene,
            measures=measures_of(spec, scene, table),
            exacts=tuple(exact for _, exact in guarded(spec, scene, table)),
            rows_at_most=rows_at_most,
            table=table,
        )

    @property
    def whole_rows(self) -> bool:
        """Whether whole rows are looked at, so that they must pass through this machine."""
        return bool(self.exacts) or any(measure.whole_rows for measure in self.measures)

    def require(self) -> None:
        """Raises MissingExtraError unless what looks at whole rows can learn from them."""
        if self.whole_rows and find_spec("sklearn") is None:
            raise MissingExtraError(extra="synth", what="attacks, and models as evidence")

    def plan(self, rho: Decimal) -> tuple[Event, ...]:
        """Events that cost at most `rho`; none where nothing is measured."""
        return planning.plan(self.measures, rho, self.scene.relation)

    def rows(self, events: Sequence[Event]) -> Iterator[EvidenceRow]:
        """What will be measured, at what cost and how precisely."""
        planned = {event.name: event for event in events}
        limits = {limit.key: limit for limit in limits_of(self.spec)}
        for measure in self.measures:
            names = [planning.event_name(measure, vector) for vector in measure.vectors()]
            own = [planned[name] for name in names]
            width = measure.half_width([event.scale for event in own], self.rows_at_most)
            limit = limits.get(measure.key)
            yield EvidenceRow(
                metric=measure.key.metric,
                about=_about(measure.key),
                disclosure="dp",
                rho=sum((event.loss for event in own), Decimal(0)),
                half_width=up(width, 6) if width else None,
                limit=limit.value if limit else None,
                better=limit.better if limit else "low",
            )
        for exact in self.exacts:
            limit = limits[exact.key]
            yield EvidenceRow(
                metric=exact.key.metric,
                about=_about(exact.key),
                disclosure="restricted",
                rho=Decimal(0),
                half_width=None,
                limit=limit.value,
                better=limit.better,
            )

    def shortfalls(self, events: Sequence[Event]) -> Iterator[Shortfall]:
        """Thresholds that the noise of their own measurement alone exceeds, however good the rows."""
        planned = {event.name: event for event in events}
        places = {limit.key: place for place, limit in enumerate(limits_of(self.spec))}
        for measure in self.measures:
            scales = planning.scales(measure, planned)
            place = places.get(measure.key)
            if scales is None or place is None:
                continue
            limit = limits_of(self.spec)[place]
            width = measure.half_width(scales, self.rows_at_most)
            if width > (limit.value if limit.better == "low" else 1 - limit.value):
                yield _out_of_reach(limit, width, self._path(place), self.rows_at_most)

    def _path(self, place: int) -> tuple[str | int, ...]:
        """Where a threshold stands in the manifest."""
        beyond = place - len(self.spec.utility)
        if beyond >= 0:
            return ("attacks", beyond, "advantage_at_most")
        given = self.spec.utility[place]
        key = next(
            name for name in type(given).model_fields if name.endswith(("at_most", "at_least"))
        )
        return ("utility", place, key)

    def subject(self, bench: Bench, task: Task, released: pa.Table, total: float) -> Subject:
        """What measures look at."""
        from dpgate.evidence.measures.subject import Subject

        return Subject(
            task=task,
            released=released,
            total=max(1, round(total)),
            source=bench.source,
            holdout=bench.holdout,
            progress=bench.progress,
        )

    def noisy(self, bench: Bench, subject: Subject) -> tuple[DpResult, ...]:
        """Everything once.

        Privacy:
            Reads private rows through the bench's mechanisms, at the cost of their events.
        """
        if not self.measures:
            return ()
        from dpgate.evidence.measures.run import measure

        return measure(self.measures, bench.events, subject, bench.mechanisms)

    def exact(self, subject: Subject) -> Document | None:
        """The same without noise, and what has no noisy form; None where there is nothing.

        Privacy:
            Restricted: it may leave encrypted to stewards alone, but for the bits that the policy
            lets out.
        """
        if not self.measures and not self.exacts:
            return None
        from dpgate.evidence.restricted import document

        return document(self.measures, self.exacts, subject)


def _about(key: Key) -> str:
    parts = [f"order {key.order}"] if key.order is not None else []
    return ", ".join((*parts, *(part for part in (key.about, key.table) if part)))


def _out_of_reach(
    limit: Limit, width: Fraction, path: tuple[str | int, ...], rows: int
) -> Shortfall:
    low = limit.better == "low"
    fix = f"at_most: {plain(up(2 * width, 3))} or more, or raise" if low else "raise"
    return Shortfall(
        rule="threshold-out-of-reach",
        level="warn",
        message=(
            f"the noise of its own measurement (95 %: ±{plain(up(width, 4))} of {rows} rows) is "
            f"above the threshold {plain(limit.value)}, so the gate will hardly pass, "
            "and the cost stays spent"
        ),
        fix=f"{fix} its weight, evidence_share or epsilon",
        path=path,
    )
