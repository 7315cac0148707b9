"""Synthetic rows as the product of a release: fit, draw, measure their own utility, write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dpgate.accounting import groups
from dpgate.accounting.calibrate import Budget, Promise
from dpgate.evidence import schema
from dpgate.evidence.anonymity import anonymity
from dpgate.evidence.describe import Rows
from dpgate.evidence.disclosure import Result
from dpgate.evidence.thresholds import limits_of
from dpgate.gate import noise, training
from dpgate.gate.evidence_rows import EvidenceRow
from dpgate.gate.gauges import Gauges
from dpgate.gate.product import Bench, Shortfall
from dpgate.gate.results import MarginalNoise, NoiseRow
from dpgate.gate.sealing import sealed
from dpgate.gate.suitable import require_persons, require_signal, require_used
from dpgate.gate.workspace import Case
from dpgate.model.dataset import Dataset
from dpgate.model.domain import domain_of
from dpgate.model.event import Event
from dpgate.model.release import Synthesize
from dpgate.model.training import Training
from dpgate.model.workload import Workload
from dpgate.synthesis import registry
from dpgate.synthesis.interface import PlansWithin, Resumes, Synthesizer, Task
from dpgate.synthesis.kept import formats
from dpgate.synthesis.output import files

if TYPE_CHECKING:
    import pyarrow as pa

    from dpgate.synthesis.interface import Model
    from dpgate.synthesis.output.files import Written


@dataclass(frozen=True, kw_only=True)
class Synthetic:
    """Rows drawn from a model; see `dpgate.gate.product.Product`.

    Attributes:
        spec: the manifest's `synthesize`.
        dataset: says which columns are learned, and how rows are finished.
        columns: as the manifest lists them.
        task: what is to be synthesized.
        synthesizer: fits the model.
        gauges: what is measured of the rows.
        evidence_share: part of the budget that pays for it.
        rows_at_most: public bound on the rows of the data.
        table: which of two tables this is; None where there is one.
    """

    spec: Synthesize
    dataset: Dataset
    columns: tuple[str, ...]
    task: Task
    synthesizer: Synthesizer
    gauges: Gauges
    evidence_share: Decimal
    rows_at_most: int
    table: str | None = None

    @classmethod
    def of(cls, case: Case, spec: Synthesize) -> Synthetic:
        """The product of a manifest."""
        synthesizer = registry.get(spec.with_)
        require_used(case.release.spec, synthesizer)
        task, rows_at_most = task_of(case, spec), case.dataset.spec.rows.at_most
        return cls(
            spec=spec,
            dataset=case.dataset,
            columns=case.release.spec.columns,
            task=task,
            synthesizer=synthesizer,
            gauges=Gauges.of(case, task.domain, rows_at_most),
            evidence_share=case.release.spec.privacy.evidence_share,
            rows_at_most=rows_at_most,
        )

    @property
    def maker(self) -> str:
        """The synthesizer."""
        return self.spec.with_

    @property
    def whole_rows(self) -> bool:
        """Whether its synthesizer or its evidence looks at whole rows."""
        return self.gauges.whole_rows or bool(getattr(self.synthesizer, "needs_rows", False))

    def plan(self, budget: Budget) -> tuple[Event, ...]:
        """Events of synthesis, then of evidence; manifests with synthetic rows have a ρ."""
        beside, for_evidence = self.measured(budget), budget.amount * self.evidence_share
        if isinstance(self.synthesizer, PlansWithin):
            require_persons(self.synthesizer, budget.rows)
            events = self.synthesizer.plan_within(self.task, budget, beside)
        else:
            planned = self.synthesizer.plan(self.task, budget.amount - for_evidence)
            events = groups.for_persons(planned, budget.rows)
        require_signal(self.synthesizer, self.task, events, self.rows_at_most)
        training.require_trainable(self.synthesizer, self.task, events)
        return events + beside

    def measured(self, budget: Budget) -> tuple[Event, ...]:
        """Events of evidence."""
        planned = self.gauges.plan(budget.amount * self.evidence_share)
        return groups.for_persons(planned, budget.rows)

    def noise(self, events: Sequence[Event]) -> tuple[NoiseRow, ...]:
        """Noise per cell of each order of marginals; model error is not included."""
        return tuple(
            NoiseRow(order=row.order, half_width=Decimal(str(round(row.half_width, 1))))
            for row in self.synthesizer.noise(self.task, events)
        )

    def marginals(self, events: Sequence[Event]) -> tuple[MarginalNoise, ...]:
        """Noise of every one-way marginal, of the two-way ones with the most cells, of those named."""
        task = self.task
        rows = self.synthesizer.noise(task, events)
        return noise.marginals(task.domain, rows, self.rows_at_most, task.workload)

    def evidence(self, events: Sequence[Event]) -> tuple[EvidenceRow, ...]:
        """Its measures."""
        return tuple(self.gauges.rows(events))

    def shortfalls(self, events: Sequence[Event]) -> tuple[Shortfall, ...]:
        """Thresholds below the noise of their own measurement, and what training is to be expected."""
        trained = training.findings(self.synthesizer, self.task, events)
        return (*self.gauges.shortfalls(events), *trained)

    def training(self, events: Sequence[Event]) -> str:
        """The numbers of a planned training; empty where nothing is trained."""
        return training.summary(self.synthesizer, self.task, events)

    def require(self, folder: Path) -> None:
        """Packages are there, formats can be written, rows have room, a model can be kept."""
        registry.require(self.synthesizer)
        training.require_processes(self.synthesizer, self.task)
        files.formats_of(self.spec.formats)
        from dpgate.synthesis.finish.finisher import finisher
        from dpgate.synthesis.output.spool import require_room

        require_room(finisher(self.dataset, self.columns).schema, self.task.rows, folder)
        self.gauges.require()
        if self.spec.keep_model:
            formats.require(self.synthesizer)

    def make(self, bench: Bench) -> MadeRows:
        """Fits, draws, and measures. The rows lie in a file: there may be billions."""
        from dpgate.synthesis.finish.finisher import finisher
        from dpgate.synthesis.output.spool import spooled

        task, progress = self.task, bench.progress
        maker, kept = self.synthesizer, bench.run.checkpoints
        if kept is not None and isinstance(maker, Resumes):
            maker = maker.keeping(kept)
        model = maker.fit(task, bench.events, bench.source, bench.mechanisms, progress)
        finish = finisher(self.dataset, self.columns)
        rows = finish.stream(model.batches(task.rows, progress))
        table = spooled(rows, finish.schema, bench.run.folder)
        progress("evidence", 0.0)
        conforms = schema.conformity(table, task.domain, task.rows, finish)
        public = (conforms, *anonymity(table, task.domain, self.dataset))
        results = (*public, *self._evidence(bench, table, model.total))
        return MadeRows(product=self, model=model, table=table, results=results)

    def _evidence(self, bench: Bench, table: pa.Table, total: float) -> tuple[Result, ...]:
        """What is noisy and charged, and what is sealed."""
        subject = self.gauges.subject(bench, self.task, table, total)
        noisy = self.gauges.noisy(bench, subject)
        exact = self.gauges.exact(subject) if bench.recipients else None
        return (*noisy, *sealed(bench, {None: exact}, limits_of(self.gauges.spec)))


@dataclass(frozen=True, kw_only=True)
class MadeRows:
    """Rows that were drawn; see `dpgate.gate.product.Made`."""

    product: Synthetic
    model: Model
    table: pa.Table
    results: tuple[Result, ...]

    @property
    def tables(self) -> tuple[Rows, ...]:
        """The one table."""
        return (Rows(domain=self.product.task.domain, table=self.table),)

    @property
    def facts(self) -> Mapping[str, Any]:
        """Nothing beside what the manifest says."""
        return {}

    def write(self, directory: Path, stamp: Mapping[str, str]) -> list[Written]:
        """The rows in each format, and the model if it is to be kept."""
        spec = self.product.spec
        written = files.write(self.table, directory, spec.formats, stamp)
        if spec.keep_model:
            kept = formats.dump(self.model, stamp, self.product.task.domain)
            written.append(files.write_text(directory, formats.NAME, kept))
        return written


def task_of(case: Case, spec: Synthesize) -> Task:
    """The synthesis task of a manifest."""
    unit = case.dataset.spec.unit
    named = unit.column is not None and unit.rows_together > 1
    return Task(
        domain=domain_of(case.dataset, case.release.spec.columns),
        relation=case.dataset.spec.neighboring,
        rows=spec.rows,
        workload=case.release.spec.workload or Workload(),
        model_mebibytes=spec.model_mebibytes,
        training=spec.training or Training(),
        rows_at_most=case.dataset.spec.rows.at_most,
        person_rows=unit.rows_together if named else None,
        promise=Promise(case.release.spec.privacy.epsilon, case.release.spec.privacy.delta),
    )
