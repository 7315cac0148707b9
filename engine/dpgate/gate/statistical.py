"""Statistics as the product of a release: noisy answers to named queries, one table each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dpgate.accounting import groups
from dpgate.accounting.calibrate import Budget
from dpgate.evidence import numbers
from dpgate.evidence.disclosure import PublicResult, Result
from dpgate.gate.evidence_rows import EvidenceRow
from dpgate.gate.product import Bench, Shortfall
from dpgate.gate.results import MarginalNoise, QueryNoise
from dpgate.gate.workspace import Case
from dpgate.model.event import Event
from dpgate.model.statistics import Statistics
from dpgate.model.values import plain
from dpgate.statistics import plan as planning
from dpgate.statistics.plan import Margin
from dpgate.statistics.task import Task, task_of
from dpgate.synthesis.output import files

if TYPE_CHECKING:
    from dpgate.evidence.describe import Rows
    from dpgate.statistics.table import Answer
    from dpgate.synthesis.output.files import Written

_SHOWN = 40
"""Lines of a query that the card holds; its file has all."""


@dataclass(frozen=True, kw_only=True)
class Statistical:
    """Answers to queries; see `dpgate.gate.product.Product`.

    Attributes:
        spec: the manifest's `statistics`.
        task: the queries, resolved.
    """

    spec: Statistics
    task: Task

    @classmethod
    def of(cls, case: Case, spec: Statistics) -> Statistical:
        """The product of a manifest."""
        return cls(spec=spec, task=task_of(case.dataset, case.release))

    @property
    def maker(self) -> str:
        """Files name it in place of a synthesizer."""
        return "statistics"

    @property
    def whole_rows(self) -> bool:
        """Counts and sums are all that it asks for."""
        return False

    def plan(self, budget: Budget) -> tuple[Event, ...]:
        """An event for each vector of each query."""
        return groups.for_persons(planning.plan(self.task, budget), budget.rows)

    def noise(self, events: Sequence[Event]) -> tuple[QueryNoise, ...]:
        """Half-widths by query."""
        return tuple(
            QueryNoise(query=m.query, what=m.what, half_width=m.half_width, unit=m.unit)
            for m in planning.margins(self.task, events)
        )

    def marginals(self, events: Sequence[Event]) -> tuple[MarginalNoise, ...]:  # noqa: ARG002
        """None: each query states its own noise."""
        return ()

    def evidence(self, events: Sequence[Event]) -> tuple[EvidenceRow, ...]:  # noqa: ARG002
        """Nothing beside the answers: they are their own evidence."""
        return ()

    def shortfalls(self, events: Sequence[Event]) -> tuple[Shortfall, ...]:
        """Queries whose noise is above what their author accepts, or drowns everything."""
        margins = planning.margins(self.task, events)
        return tuple(
            Shortfall(message=message, fix=fix, path=("statistics", "queries", place))
            for place, message, fix in planning.shortfalls(self.task, margins)
        )

    def require(self, folder: Path) -> None:  # noqa: ARG002 - the interface
        """Its formats can be written; that takes all that measuring takes."""
        files.formats_of(self.spec.formats)

    def make(self, bench: Bench) -> MadeNumbers:
        """Measures every query; the answers are their own evidence."""
        from dpgate.statistics.measure import measure

        answers = measure(self.task, bench.events, bench.source, bench.mechanisms, bench.progress)
        margins = planning.margins(self.task, bench.events)
        shape = {a.ask.query.name: (a.table, a.lines) for a in answers}
        results = (numbers.conformity(shape), *_evidence(margins))
        return MadeNumbers(product=self, answers=answers, margins=margins, results=results)


def _evidence(margins: Sequence[Margin]) -> Iterator[PublicResult]:
    """How accurate each query's numbers are: public, since it follows from the noise scale alone."""
    of_query = Counter(margin.query for margin in margins)
    for margin in margins:
        yield PublicResult(
            disclosure="public",
            metric=f"half_width_{margin.query}",
            about=margin.what if of_query[margin.query] > 1 else None,
            value=margin.half_width,
            details=(f"{margin.what} ± {plain(margin.half_width)} {margin.unit} at 95 %",),
        )


@dataclass(frozen=True, kw_only=True)
class MadeNumbers:
    """Queries that were answered; see `dpgate.gate.product.Made`."""

    product: Statistical
    answers: tuple[Answer, ...]
    margins: tuple[Margin, ...]
    results: tuple[Result, ...]

    @property
    def tables(self) -> tuple[Rows, ...]:
        """No rows."""
        return ()

    @property
    def facts(self) -> Mapping[str, Any]:
        """The queries with their first lines, for the card."""
        return {"queries": [self._query(answer) for answer in self.answers]}

    def _query(self, answer: Answer) -> dict[str, Any]:
        ask = answer.ask
        stated = ask.query.model_dump(mode="json", exclude_none=True)
        return {
            **stated,
            "disclosure": "dp",
            "noise": ask.noise,
            "accuracy": [
                f"{m.what} ± {plain(m.half_width)} {m.unit}"
                for m in self.margins
                if m.query == ask.query.name
            ],
            "lines": answer.lines,
            "shown": answer.table.slice(0, _SHOWN).drop_columns(["query"]).to_pylist(),
        }

    def write(self, directory: Path, stamp: Mapping[str, str]) -> list[Written]:
        """A file for each query and format."""
        formats = self.product.spec.formats
        return [
            written
            for answer in self.answers
            for written in files.write(
                answer.table, directory, formats, stamp, name=answer.ask.query.name
            )
        ]
