"""Whether everything that a manifest wants measured can be: decided by `check`, before anything is spent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from dpgate.errors import EvidenceError
from dpgate.evidence.measures.interface import Measure, Scene
from dpgate.evidence.measures.registry import Path, guarded, makers
from dpgate.gate.workspace import Case
from dpgate.model.domain import Domain, domain_of
from dpgate.model.finding import Finding
from dpgate.model.tables import tables_of


def findings(case: Case) -> tuple[Finding, ...]:
    """What stands in the way of a threshold or an attack, each at its place in the manifest.

    For manifests whose columns, tables and synthesizer other rules allow.
    """
    return tuple(_found(case))


def _found(case: Case) -> Iterator[Finding]:
    for path, possible in _asked(case):
        try:
            possible()
        except EvidenceError as error:
            line, column = case.release_file.at("spec", *path)
            yield Finding(
                rule="evidence-measure",
                level="deny",
                message=error.message,
                fix=error.fix,
                file=case.release_file.file,
                line=line,
                column=column,
            )


def _asked(case: Case) -> Iterator[tuple[Path, Callable[[], object]]]:
    """Everything that is asked for, by its place, and what raises if it cannot be measured."""
    spec = case.release.spec
    for table, domain in _domains(case):
        scene = Scene(
            dataset=case.dataset,
            domain=domain,
            relation=case.dataset.spec.neighboring,
            threat_model=spec.threat_model,
        )
        for path, make in makers(spec, scene, table):
            yield path, partial(_planned, make)
        for path, exact in guarded(spec, scene, table):
            yield path, exact.check


def _planned(make: Callable[[], Measure]) -> object:
    return make().vectors()


def _domains(case: Case) -> Iterator[tuple[str | None, Domain]]:
    """The cells of each table of the release."""
    spec = case.release.spec
    if spec.synthesize is None:
        return
    context = spec.synthesize.joined.context if spec.synthesize.joined else ()
    tables = tables_of(case.dataset, spec.columns, context)
    if tables is None:
        yield None, domain_of(case.dataset, spec.columns)
        return
    yield from zip(tables.names, (tables.persons_domain, tables.rows_domain), strict=True)
