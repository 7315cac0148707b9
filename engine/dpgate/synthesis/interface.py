"""What every synthesizer is: a plan that reads no data, and a fit that keeps to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from dpgate.accounting.calibrate import Budget, Promise
from dpgate.model.domain import Domain
from dpgate.model.event import Event
from dpgate.model.policy import Proof
from dpgate.model.training import Training
from dpgate.model.values import Relation
from dpgate.model.workload import Workload

if TYPE_CHECKING:
    import pyarrow as pa

    from dpgate.mechanisms.session import Mechanisms
    from dpgate.sources.interface import MarginalSource
    from dpgate.synthesis.gan.checkpoint import Checkpoints

Progress = Callable[[str, float], None]
"""Told a stage and the fraction of it that is done; both follow from public values or paid ones alone. What
stands behind " · " may change while the stage goes on."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is to be synthesized, from public documents alone.

    Attributes:
        domain: cells of the released columns.
        relation: neighboring relation of the population.
        rows: rows to release, a public choice.
        workload: the tables that matter.
        model_mebibytes: largest size of a model's tables; None: the synthesizer's own choice.
        training: how a network is trained.
        rows_at_most: public bound on the rows of the data; None: not told.
        person_rows: public bound on the rows of one person, > 1, where persons are protected and the
            source tells them apart (a `PersonSource`); None: rows are all that it tells apart.
        promise: of the whole release, to tell while it runs; None: not told.
    """

    domain: Domain
    relation: Relation
    rows: int
    workload: Workload = field(default_factory=Workload)
    model_mebibytes: int | None = None
    training: Training = field(default_factory=Training)
    rows_at_most: int | None = None
    person_rows: int | None = None
    promise: Promise | None = None


NORMAL_95 = 1.959964
"""97.5 % quantile of the standard normal distribution."""


@dataclass(frozen=True, kw_only=True)
class NoiseRow:
    """Noise on each cell of the marginals of one order, if they are measured.

    Attributes:
        order: columns of the marginal.
        half_width: of the 95 % interval, in records. Model error is not included.
    """

    order: int
    half_width: float

    @classmethod
    def of(cls, order: int, scale: float) -> NoiseRow:
        """Of Gaussian noise of this scale, in records."""
        return cls(order=order, half_width=NORMAL_95 * scale)


class Model(Protocol):
    """A fitted model; made of noisy numbers and public ones alone."""

    @property
    def total(self) -> float:
        """Noisy number of private records; at least 0."""

    def batches(self, rows: int, progress: Progress) -> Iterator[pa.RecordBatch]:
        """Rows with the columns of the task's domain, a batch at a time.

        Args:
            rows: how many, ≥ 0.
            progress: told about the stage `sample`.

        Privacy:
            Post-processing. Draws from generators seeded by the operating system's entropy.
        """

    def sample(self, rows: int, progress: Progress) -> pa.Table:
        """The same rows at once, for as many as memory holds."""


@runtime_checkable
class PlansWithin(Protocol):
    """A synthesizer whose events have no ρ: it plans from the promise of the whole release.

    `Synthesizer.plan` of such a one raises. Where persons have several rows, group privacy cannot
    make a promise to a row one to a person; so only one that takes the rows of a person together,
    and says so by an attribute `samples_persons` that is true, is asked to plan there.
    """

    def plan_within(self, task: Task, budget: Budget, beside: Sequence[Event]) -> tuple[Event, ...]:
        """The events that a fit will spend at most.

        Args:
            task: public.
            budget: of the whole release, with its promise (ε, δ) and the ρ that it stands for: that
                of one row, while the promise is made to `budget.rows` rows of one person together.
            beside: all that the release runs beside them, accounted for so many rows.

        Returns:
            Events that are accounted likewise, and keep the promise together with `beside`. Neither
            NumPy nor torch is needed.

        Raises:
            SynthesisError: the task is not for this synthesizer.
            AccountingError: the promise cannot be kept.
        """


@runtime_checkable
class Resumes(Protocol):
    """A synthesizer whose fit can be left, and taken up again by a later attempt."""

    def keeping(self, checkpoints: Checkpoints) -> Synthesizer:
        """The same synthesizer, whose fit begins at a checkpoint, if there is one, and keeps others.

        A fit that begins at one runs the events that are left; see `dpgate.gate.resuming.left`.
        """


class Synthesizer(Protocol):
    """A member of the entry point group `dpgate.synthesizers`; made without arguments.

    One that heeds `Task.workload` and `Task.model_mebibytes` says so by an attribute
    `uses_workload` that is true, one that heeds `Task.training` by `uses_training`; with others a
    manifest that sets them is refused. One that looks at whole rows says so by `needs_rows`; its
    `source` is then a `RowSource`.
    """

    @property
    def name(self) -> str:
        """As releases and policies name it."""

    @property
    def proof(self) -> Proof:
        """What its privacy rests on."""

    def plan(self, task: Task, rho: Decimal) -> tuple[Event, ...]:
        """The events that a fit will spend at most.

        Args:
            task: public.
            rho: zCDP budget, > 0.

        Returns:
            Events whose losses sum to at most `rho`. NumPy is not needed for it.

        Raises:
            SynthesisError: the task is not for this synthesizer.
        """

    def noise(self, task: Task, events: Sequence[Event]) -> tuple[NoiseRow, ...]:
        """Expected noise of each order of marginals, without NumPy and without data."""

    def fit(
        self,
        task: Task,
        events: Sequence[Event],
        source: MarginalSource,
        mechanisms: Mechanisms,
        progress: Progress,
    ) -> Model:
        """Measures the source and fits a model.

        Args:
            task: as planned.
            events: what `plan` returned; `mechanisms` was made from them (and maybe others).
            source: private counts over the task's domain.
            mechanisms: everything that the model learns passes through them.
            progress: told about stages.

        Privacy:
            Reads private data through `mechanisms` alone, at the cost of `events`.
        """
