"""Synthetic rows as the product of a release: fit, draw, measure their own utility, write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dpgate.accounting.calibrate import Budget, Promise
from dpgate.evidence import restricted, schema, seal, utility
from dpgate.evidence.disclosure import DpResult, RestrictedResult, Result
from dpgate.gate import noise, training
from dpgate.gate.product import Bench, Shortfall
from dpgate.gate.results import MarginalNoise, NoiseRow
from dpgate.gate.suitable import require_signal, require_used
from dpgate.gate.workspace import Case
from dpgate.model.dataset import Dataset
from dpgate.model.domain import domain_of
from dpgate.model.event import Event
from dpgate.model.release import MarginalTvd, Synthesize
from dpgate.model.training import Training
from dpgate.model.workload import Workload
from dpgate.synthesis import registry
from dpgate.synthesis.interface import PlansWithin, Synthesizer, Task
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
        evidence_orders: orders of marginals whose total variation distance is measured, at a cost.
        evidence_share: part of the budget that pays for it.
        thresholds: what the measured distances must stay below.
        rows_at_most: public bound on the rows of the data.
        table: which of two tables this is; None where there is one.
    """

    spec: Synthesize
    dataset: Dataset
    columns: tuple[str, ...]
    task: Task
    synthesizer: Synthesizer
    evidence_orders: tuple[int, ...]
    evidence_share: Decimal
    thresholds: tuple[MarginalTvd, ...]
    rows_at_most: int
    table: str | None = None

    @classmethod
    def of(cls, case: Case, spec: Synthesize) -> Synthetic:
        """The product of a manifest."""
        synthesizer = registry.get(spec.with_)
        require_used(case.release.spec, synthesizer)
        return cls(
            spec=spec,
            dataset=case.dataset,
            columns=case.release.spec.columns,
            task=task_of(case, spec),
            synthesizer=synthesizer,
            evidence_orders=evidence_orders(case),
            evidence_share=case.release.spec.privacy.evidence_share,
            thresholds=case.release.spec.utility,
            rows_at_most=case.dataset.spec.rows.at_most,
        )

    @property
    def maker(self) -> str:
        """The synthesizer."""
        return self.spec.with_

    def plan(self, budget: Budget) -> tuple[Event, ...]:
        """Events of synthesis, then of evidence; manifests with synthetic rows have a ρ."""
        for_evidence = budget.amount * self.evidence_share
        beside: tuple[Event, ...] = ()
        if self.evidence_orders:
            relation = self.task.relation
            beside = utility.plan(self.task, self.evidence_orders, for_evidence, relation)
        if isinstance(self.synthesizer, PlansWithin):
            events = self.synthesizer.plan_within(self.task, budget, beside)
        else:
            events = self.synthesizer.plan(self.task, budget.amount - for_evidence)
        require_signal(self.synthesizer, self.task, events, self.rows_at_most)
        training.require_trainable(self.synthesizer, self.task, events)
        return events + beside

    @property
    def needs_rows(self) -> bool:
        """Whether the source must hand out whole rows."""
        return bool(getattr(self.synthesizer, "needs_rows", False))

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

    def shortfalls(self, events: Sequence[Event]) -> tuple[Shortfall, ...]:
        """Thresholds below the noise of their own measurement, and what training is to be expected."""
        reach = noise.out_of_reach(self.thresholds, events, self.rows_at_most, table=self.table)
        return (*reach, *training.findings(self.synthesizer, self.task, events))

    def training(self, events: Sequence[Event]) -> str:
        """The numbers of a planned training; empty where nothing is trained."""
        return training.summary(self.synthesizer, self.task, events)

    def require(self, folder: Path) -> None:
        """Packages are there, formats can be written, rows have room, a model can be kept."""
        registry.require(self.synthesizer)
        files.formats_of(self.spec.formats)
        from dpgate.synthesis.finish.finisher import finisher
        from dpgate.synthesis.output.spool import require_room

        require_room(finisher(self.dataset, self.columns).schema, self.task.rows, folder)
        if self.spec.keep_model:
            formats.require(self.synthesizer)

    def make(self, bench: Bench) -> MadeRows:
        """Fits, draws, and measures. The rows lie in a file: there may be billions."""
        from dpgate.synthesis.finish.finisher import finisher
        from dpgate.synthesis.output.spool import spooled

        task, progress = self.task, bench.progress
        model = self.synthesizer.fit(task, bench.events, bench.source, bench.mechanisms, progress)
        finish = finisher(self.dataset, self.columns)
        rows = finish.stream(model.batches(task.rows, progress))
        table = spooled(rows, finish.schema, bench.run.folder)
        progress("evidence", 0.0)
        conforms = schema.conformity(table, task.domain, task.rows, finish)
        results = (conforms, *self._evidence(bench, table, model.total))
        return MadeRows(product=self, model=model, table=table, results=results)

    def _evidence(self, bench: Bench, table: pa.Table, total: float) -> tuple[Result, ...]:
        results: list[Result] = [*self.measured(bench, table, total)]
        if bench.recipients and self.evidence_orders:
            results.append(kept_sealed(bench, self.exact(bench, table)))
        return tuple(results)

    def measured(self, bench: Bench, table: pa.Table, total: float) -> tuple[DpResult, ...]:
        """Distances of marginals, noisy and charged."""
        return utility.measure(
            self.task, bench.events, bench.source, table, total, bench.mechanisms, bench.progress
        )

    def exact(self, bench: Bench, table: pa.Table) -> bytes:
        """The same without noise, to be sealed."""
        return restricted.exact_tvd(
            self.task, self.evidence_orders, bench.source, table, bench.progress
        )


def kept_sealed(bench: Bench, exact: bytes) -> RestrictedResult:
    """Encrypts restricted evidence, and keeps nothing else of it."""
    sealed = seal.seal(exact, bench.recipients)
    bench.run.sealed.write_bytes(sealed.ciphertext)
    return sealed.result(restricted.METRIC)


@dataclass(frozen=True, kw_only=True)
class MadeRows:
    """Rows that were drawn; see `dpgate.gate.product.Made`."""

    product: Synthetic
    model: Model
    table: pa.Table
    results: tuple[Result, ...]

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
    return Task(
        domain=domain_of(case.dataset, case.release.spec.columns),
        relation=case.dataset.spec.neighboring,
        rows=spec.rows,
        workload=case.release.spec.workload or Workload(),
        model_mebibytes=spec.model_mebibytes,
        training=spec.training or Training(),
        rows_at_most=case.dataset.spec.rows.at_most,
        promise=Promise(case.release.spec.privacy.epsilon, case.release.spec.privacy.delta),
    )


def evidence_orders(case: Case, table: str | None = None) -> tuple[int, ...]:
    """Orders of marginals whose total variation distance is measured, at a cost.

    Args:
        case: manifest and dataset.
        table: which of two tables; None where there is one.
    """
    if not case.release.spec.privacy.evidence_share:
        return ()
    thresholds = [each for each in case.release.spec.utility if each.table == table]
    named = sorted({threshold.order for threshold in thresholds})
    return tuple(named) or (1, 2)
