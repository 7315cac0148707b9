"""Two tables joined by a key, as the product of a release: persons first, then rows for each of them.

Each table is measured by a synthesizer run of its own, on its share of the ρ: persons at the distance of
one row, their rows at that of a person's k rows. Names of events begin with the table's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dpgate.accounting import groups
from dpgate.accounting.calibrate import Budget
from dpgate.errors import SynthesisError
from dpgate.evidence import keys, schema
from dpgate.evidence.describe import Rows
from dpgate.evidence.disclosure import PublicResult, Result
from dpgate.evidence.thresholds import limits_of
from dpgate.gate.evidence_rows import EvidenceRow
from dpgate.gate.gauges import Gauges
from dpgate.gate.product import Bench, Shortfall
from dpgate.gate.results import MarginalNoise, NoiseRow
from dpgate.gate.sealing import sealed
from dpgate.gate.synthetic import Synthetic
from dpgate.gate.workspace import Case
from dpgate.model.event import Event
from dpgate.model.joined import PERSONS, JoinedRows
from dpgate.model.release import Synthesize
from dpgate.model.tables import Tables, tables_of
from dpgate.synthesis import registry
from dpgate.synthesis.interface import Task
from dpgate.synthesis.output import files

if TYPE_CHECKING:
    import pyarrow as pa

    from dpgate.evidence.restricted import Document
    from dpgate.synthesis.joined.finish import Finish
    from dpgate.synthesis.output.files import Written


@dataclass(frozen=True, kw_only=True)
class TwoTables:
    """Persons and their rows; see `dpgate.gate.product.Product`.

    Attributes:
        spec: the manifest's `synthesize`.
        tables: which columns are whose.
        parts: what each table is by itself, persons first.
        shares: of the ρ, likewise.
    """

    spec: Synthesize
    tables: Tables
    parts: tuple[Synthetic, Synthetic]
    shares: tuple[Fraction, Fraction]

    @classmethod
    def of(cls, case: Case, spec: Synthesize) -> TwoTables:
        """The product of a manifest that the rules of `dpgate.policy.tables` allow."""
        made = spec.joined or JoinedRows()
        tables = tables_of(case.dataset, case.release.spec.columns, made.context)
        assert tables is not None  # noqa: S101 - the dataset has two
        synthesizer = registry.get(spec.with_)
        if getattr(synthesizer, "model_kind", "directed") != "directed":
            raise SynthesisError(
                f"models of {spec.with_} cannot be conditioned on a person's columns",
                fix="synthesize with mst, aim or independent",
            )
        most, bound = tables.joined.max_rows_per_person, case.dataset.spec.rows.at_most
        domains = (tables.persons_domain, tables.rows_domain)
        sizes = ((spec.rows, bound), (spec.rows * most, bound * most))
        share = Fraction(made.share)
        first, second = (
            Synthetic(
                spec=spec,
                dataset=case.dataset,
                columns=names,
                task=Task(
                    domain=domain,
                    relation=case.dataset.spec.neighboring,
                    rows=rows,
                    model_mebibytes=spec.model_mebibytes,
                ),
                synthesizer=synthesizer,
                gauges=Gauges.of(case, domain, at_most, table),
                evidence_share=case.release.spec.privacy.evidence_share,
                rows_at_most=at_most,
                table=table,
            )
            for table, names, domain, (rows, at_most) in zip(
                tables.names, (tables.persons, tables.rows), domains, sizes, strict=True
            )
        )
        return cls(spec=spec, tables=tables, parts=(first, second), shares=(1 - share, share))

    @property
    def maker(self) -> str:
        """The synthesizer of both."""
        return self.spec.with_

    @property
    def whole_rows(self) -> bool:
        """Whether evidence of either table looks at whole rows."""
        return any(part.whole_rows for part in self.parts)

    def plan(self, budget: Budget) -> tuple[Event, ...]:
        """Events of persons, for one row; then those of their rows, for k rows of one person."""
        return tuple(
            event.model_copy(update={"name": f"{part.table}.{event.name}"})
            for part, share, far in zip(self.parts, self.shares, self._together, strict=True)
            for event in part.plan(groups.row_budget(budget.part(share), far, part.task.relation))
        )

    @property
    def _together(self) -> tuple[int, int]:
        """Rows of each table that one person moves at most."""
        return 1, self.tables.joined.max_rows_per_person

    def noise(self, events: Sequence[Event]) -> tuple[NoiseRow, ...]:
        """Noise per cell, table by table."""
        return tuple(
            row.model_copy(update={"table": part.table})
            for part in self.parts
            for row in part.noise(_events(events, part))
        )

    def marginals(self, events: Sequence[Event]) -> tuple[MarginalNoise, ...]:
        """Noise of marginals, table by table, each relative to its own bound on rows."""
        return tuple(
            row.model_copy(update={"table": part.table})
            for part in self.parts
            for row in part.marginals(_events(events, part))
        )

    def evidence(self, events: Sequence[Event]) -> tuple[EvidenceRow, ...]:
        """Measures of both tables."""
        return tuple(row for part in self.parts for row in part.evidence(_events(events, part)))

    def shortfalls(self, events: Sequence[Event]) -> tuple[Shortfall, ...]:
        """Thresholds below the noise of their own measurement."""
        return tuple(s for part in self.parts for s in part.shortfalls(_events(events, part)))

    def require(self, folder: Path) -> None:
        """Packages are there, formats can be written, persons have room."""
        registry.require(self.parts[0].synthesizer)
        files.formats_of(self.spec.formats)
        from dpgate.synthesis.output.spool import require_room

        require_room(self._finish().persons.schema, self.spec.rows, folder)

    def _finish(self) -> Finish:
        from dpgate.synthesis.joined.finish import Finish

        return Finish(tables=self.tables)

    def make(self, bench: Bench) -> MadeTables:
        """Fits both models, draws persons, then their rows, and measures both."""
        from dpgate.synthesis.joined.draw import rows_of
        from dpgate.synthesis.output.spool import spooled

        finish, folder = self._finish(), bench.run.folder
        benches = tuple(_bench(bench, part) for part in self.parts)
        models = [
            part.synthesizer.fit(part.task, own.events, own.source, own.mechanisms, own.progress)
            for part, own in zip(self.parts, benches, strict=True)
        ]
        drawn = models[0].batches(self.spec.rows, benches[0].progress)
        persons = spooled(finish.persons.stream(drawn), finish.persons.schema, folder)
        rows = spooled(
            rows_of(persons, models[1], finish, benches[1].progress), finish.joined, folder
        )
        results: list[Result] = [self._conformity(persons, rows, finish)]
        exact: dict[str | None, Document | None] = {}
        for part, own, table, model in zip(
            self.parts, benches, (persons, rows), models, strict=True
        ):
            subject = part.gauges.subject(own, part.task, table, model.total)
            results += [
                result.model_copy(update={"events": _prefixed(part, result.events)})
                for result in part.gauges.noisy(own, subject)
            ]
            exact[part.table] = part.gauges.exact(subject) if bench.recipients else None
        results += sealed(bench, exact, limits_of(self.parts[0].gauges.spec))
        return MadeTables(
            product=self, persons=persons, rows=rows, finish=finish, results=tuple(results)
        )

    def _conformity(self, persons: pa.Table, rows: pa.Table, finish: Finish) -> PublicResult:
        """Both schemas, and that the tables fit together."""
        first, second = self.tables.names
        own = rows.select(finish.rows.schema.names)
        expected = int(persons.column(second).to_numpy().sum())
        found = [
            *_of(first, schema.faults(persons, self.parts[0].task.domain, self.spec.rows, finish.persons)),
            *_of(second, schema.faults(own, finish.own, expected, finish.rows)),
            *keys.faults(persons, rows, self.tables.key, self.tables.joined.max_rows_per_person),
        ]  # fmt: skip
        return schema.result(found)


def _of(table: str, faults: Iterator[str]) -> Iterator[str]:
    return (f"{table}: {fault}"[:500] for fault in faults)


def _prefixed(part: Synthetic, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{part.table}.{name}" for name in names)


def _events(events: Sequence[Event], part: Synthetic) -> tuple[Event, ...]:
    """A table's own events, by the names that its synthesizer knows."""
    prefix = f"{part.table}."
    return tuple(
        event.model_copy(update={"name": event.name.removeprefix(prefix)})
        for event in events
        if event.name.startswith(prefix)
    )


def _bench(bench: Bench, part: Synthetic) -> Bench:
    """What one table is made with."""
    source = bench.source if part.table == PERSONS else bench.rows
    assert source is not None  # noqa: S101 - both were opened

    def progress(stage: str, fraction: float) -> None:
        bench.progress(f"{part.table}: {stage}", fraction)

    return replace(
        bench,
        events=_events(bench.events, part),
        source=source,
        mechanisms=bench.mechanisms.part(f"{part.table}."),
        progress=progress,
    )


@dataclass(frozen=True, kw_only=True)
class MadeTables:
    """Two tables that were drawn; see `dpgate.gate.product.Made`.

    Attributes:
        product: what made them.
        persons: with the number of each person's rows.
        rows: with the context.
        finish: says which columns are released.
        results: of evidence.
    """

    product: TwoTables
    persons: pa.Table
    rows: pa.Table
    finish: Finish
    results: tuple[Result, ...]

    @property
    def tables(self) -> tuple[Rows, ...]:
        """Persons, then their rows."""
        made = zip(self.product.parts, (self.persons, self.rows), strict=True)
        return tuple(Rows(domain=part.task.domain, table=table) for part, table in made)

    @property
    def facts(self) -> Mapping[str, Any]:
        """The tables, their columns and how they are joined, for the card."""
        tables = self.product.tables
        released = zip(tables.names, (self.persons, self.rows), self.finish.released, strict=True)
        return {
            "tables": [
                {"name": name, "rows": table.num_rows, "columns": list(columns)}
                for name, table, columns in released
            ],
            "joined": {
                "key": tables.key,
                "context": list(tables.context),
                "max_rows_per_person": tables.joined.max_rows_per_person,
                "source": tables.joined.source,
            },
        }

    def write(self, directory: Path, stamp: Mapping[str, str]) -> list[Written]:
        """Two files for each format."""
        return [
            written
            for name, table, columns in zip(
                self.product.tables.names,
                (self.persons, self.rows),
                self.finish.released,
                strict=True,
            )
            for written in files.write(
                table.select(list(columns)), directory, self.product.spec.formats, stamp, name=name
            )
        ]
