"""One run of a release on a stand-in: planned, made and judged as a release is, at no cost.

No ledger is opened and nothing is remembered. The rows are a stand-in's, so that every measure can also be
told without noise.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from dpgate.evidence.disclosure import SEALED_BLOCK, RestrictedResult
from dpgate.evidence.measures.interface import Figures
from dpgate.evidence.measures.run import exactly
from dpgate.evidence.thresholds import limits_of
from dpgate.gate.attempt import bench_of, judged
from dpgate.gate.costing import Cost, cost_of
from dpgate.gate.gauges import Gauges
from dpgate.gate.product import Bench, Made, Progress
from dpgate.gate.sealing import met
from dpgate.gate.staging import Run
from dpgate.gate.synthetic import MadeRows, Synthetic
from dpgate.gate.two_tables import MadeTables
from dpgate.gate.workspace import Case
from dpgate.model.values import Key

if TYPE_CHECKING:
    import pyarrow as pa

    from dpgate.evidence.disclosure import Result
    from dpgate.evidence.thresholds import Outcome
    from dpgate.model.policy import PrivacyPolicy
    from dpgate.sources.interface import MarginalSource

_SHARE = Decimal("0.1")


@dataclass(frozen=True, kw_only=True)
class Part:
    """One table of what was made, and the stand-in's rows beside it."""

    product: Synthetic
    table: pa.Table
    source: MarginalSource


@dataclass(frozen=True, kw_only=True)
class Rehearsed:
    """One run.

    Attributes:
        cost: what it would have been charged.
        results: its evidence, as the gate would have seen it.
        outcomes: what the gate would have said.
        exact: the same measures without noise.
        parts: each table.
        seconds: how long it took, without the exact measures.
    """

    cost: Cost
    results: tuple[Result, ...]
    outcomes: tuple[Outcome, ...]
    exact: dict[Key, Figures]
    parts: tuple[Part, ...]
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether the gate would have let it out."""
        return all(self.outcomes)


def varied(case: Case, synthesizer: str, epsilon: Decimal) -> Case:
    """The manifest with another synthesizer and ε, all else as it is."""
    release = case.release
    assert release.spec.synthesize is not None  # noqa: S101 - it makes rows
    return _with(
        case,
        {
            "synthesize": release.spec.synthesize.model_copy(update={"with_": synthesizer}),
            "privacy": release.spec.privacy.model_copy(update={"epsilon": epsilon}),
        },
    )


def _with(case: Case, update: dict[str, object]) -> Case:
    spec = case.release.spec.model_copy(update=update)
    document = case.release.model_copy(update={"spec": spec})
    return replace(case, release_file=replace(case.release_file, document=document))


def rehearsed(
    case: Case, policy: PrivacyPolicy, source_uri: str, folder: Path, progress: Progress
) -> Rehearsed:
    """One run, from planning to the gate's verdict.

    Args:
        case: the manifest to rehearse, and its dataset.
        policy: says at which orders it is accounted, and what evidence it requires.
        source_uri: where the stand-in's rows are.
        folder: for files that are gone when the run is.
        progress: told about the stages of making it.

    Raises:
        DpgateError: such a release cannot be planned or made.

    Privacy:
        Tells exact numbers of its source, which must be a stand-in. Its noise is real and nobody is
        charged for it.
    """
    began = time.monotonic()
    cost = cost_of(policy, case)
    cost.product.require(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as in an attempt
        bench = bench_of(case, cost, source_uri, Run(folder, ""), (), progress)
        made = cost.product.make(bench)
        seconds = time.monotonic() - began
        parts = _parts(made, bench)
        exact = {key: found for part in parts for key, found in _exact(case, part, bench)}
    results = (*made.results, *_bits(case, exact))
    return Rehearsed(
        cost=cost,
        results=results,
        outcomes=judged(case, policy, results),
        exact=exact,
        parts=parts,
        seconds=seconds,
    )


def _parts(made: Made, bench: Bench) -> tuple[Part, ...]:
    if isinstance(made, MadeRows):
        return (Part(product=made.product, table=made.table, source=bench.source),)
    assert isinstance(made, MadeTables)  # noqa: S101 - statistics are not rehearsed
    assert bench.rows is not None  # noqa: S101 - both tables were opened
    first, second = made.product.parts
    return (
        Part(product=first, table=made.persons, source=bench.source),
        Part(product=second, table=made.rows, source=bench.rows),
    )


def _exact(case: Case, part: Part, bench: Bench) -> Iterator[tuple[Key, Figures]]:
    """Every measure of a table without noise; the usual ones where the manifest pays for none."""
    product, own = part.product, replace(bench, source=part.source, progress=_quiet)
    gauges = product.gauges
    if not gauges.measures and not gauges.exacts:
        gauges = Gauges.of(paying(case), product.task.domain, product.rows_at_most, product.table)
    subject = gauges.subject(own, product.task, part.table, rows_of(part.source))
    for measure, figures in exactly(gauges.measures, subject):
        yield measure.key, figures
    for exact in gauges.exacts:
        yield exact.key, exact.measure(subject)


def paying(case: Case) -> Case:
    """The manifest as if it paid for evidence: then there is something to tell."""
    spec = case.release.spec
    privacy = spec.privacy.model_copy(update={"evidence_share": _SHARE})
    return _with(case, {"privacy": privacy})


def _bits(case: Case, exact: dict[Key, Figures]) -> Iterator[RestrictedResult]:
    """The one bit of each threshold that is judged without noise; nothing is sealed."""
    for limit in limits_of(case.release.spec):
        if limit.restricted and limit.key in exact:
            yield RestrictedResult(
                disclosure="restricted",
                metric=limit.key.metric,
                about=limit.key.about,
                ciphertext="sha256:" + "0" * 64,
                passed=met(limit, exact[limit.key]),
                size=SEALED_BLOCK,
            )


def rows_of(source: MarginalSource) -> int:
    """The exact number of rows of a stand-in."""
    return int(source.count([(0,)])[0].sum())


def _quiet(stage: str, fraction: float) -> None:
    """Progress of a part of a run is nobody's concern."""
