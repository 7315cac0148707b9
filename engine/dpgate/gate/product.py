"""What a release makes, behind one interface: synthetic rows, or statistics.

A product is planned from public documents, and made through mechanisms that were paid for. The
steps of a release are the same for both members: `dpgate.gate.synthetic`, `dpgate.gate.statistical`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from dpgate.accounting.calibrate import Budget
from dpgate.evidence.disclosure import Result
from dpgate.gate.evidence_rows import EvidenceRow
from dpgate.gate.results import MarginalNoise, NoiseRow, QueryNoise
from dpgate.gate.staging import Run
from dpgate.model.event import Event

if TYPE_CHECKING:
    from dpgate.evidence.describe import Rows
    from dpgate.mechanisms.session import Mechanisms
    from dpgate.sources.interface import MarginalSource, RowSource
    from dpgate.synthesis.output.files import Written

Progress = Callable[[str, float], None]


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What a product is made with, once it was paid for.

    Attributes:
        events: everything that was reserved, in the product's own order.
        source: private data over the columns of the release that a model may learn from; the persons,
            where there are two tables.
        mechanisms: the only way from there to anything public.
        run: the attempt's folder, for sealed evidence.
        recipients: age recipients of restricted evidence; none: it is not made.
        progress: told about stages and fractions, both public.
        rows: private data of the second table, if there is one.
        holdout: private rows that no model learns from, if the release is attacked.
    """

    events: tuple[Event, ...]
    source: MarginalSource
    mechanisms: Mechanisms
    run: Run
    recipients: tuple[str, ...]
    progress: Progress
    rows: MarginalSource | None = None
    holdout: RowSource | None = None


@dataclass(frozen=True, kw_only=True)
class Shortfall:
    """A promise of the manifest that its own noise breaks.

    Attributes:
        message: what, with the figures.
        fix: what to do.
        path: the place below `spec` of the manifest.
        rule: what the finding is called.
        level: `warn` where luck could still keep the promise.
    """

    message: str
    fix: str
    path: tuple[str | int, ...]
    rule: str = "error-at-most"
    level: Literal["deny", "warn"] = "deny"


class Made(Protocol):
    """A product that was made, not yet judged or written."""

    @property
    def results(self) -> tuple[Result, ...]:
        """Its evidence, each with the class of what it discloses."""

    @property
    def tables(self) -> Sequence[Rows]:
        """Released rows, table by table, for the page of evidence; none of statistics."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the data card says of this product beside what it says of any."""

    def write(self, directory: Path, stamp: Mapping[str, str]) -> list[Written]:
        """Writes its files into a staging directory.

        Raises:
            SynthesisError: they cannot be written.
        """


class Product(Protocol):
    """One release's product, from its manifest and dataset."""

    @property
    def maker(self) -> str:
        """What makes it: the synthesizer's name, or `statistics`."""

    @property
    def whole_rows(self) -> bool:
        """Whether rows must pass through this machine, so that whole ones can be looked at."""

    def plan(self, budget: Budget) -> tuple[Event, ...]:
        """The events that making it spends, at most the budget together.

        Args:
            budget: for one row; each event is accounted for `budget.rows` of one person together.

        Privacy:
            Reads no private data.
        """

    def noise(self, events: Sequence[Event]) -> tuple[NoiseRow | QueryNoise, ...]:
        """How far noise alone can carry it from the truth, without data."""

    def marginals(self, events: Sequence[Event]) -> tuple[MarginalNoise, ...]:
        """Noise of whole marginals, if it measures any."""

    def evidence(self, events: Sequence[Event]) -> tuple[EvidenceRow, ...]:
        """What will be measured of it, and how precisely, without data."""

    def shortfalls(self, events: Sequence[Event]) -> tuple[Shortfall, ...]:
        """What its noise already rules out, decided without data."""

    def require(self, folder: Path) -> None:
        """Raises whatever can be known to fail before anything is spent.

        Args:
            folder: where the attempt will keep what it makes.
        """

    def make(self, bench: Bench) -> Made:
        """Measures the data and makes it.

        Privacy:
            Reads private data through the bench's mechanisms alone, at the cost of its events;
            restricted evidence is encrypted before it is written.
        """
