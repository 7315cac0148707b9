"""MST: the suite, the audits of its parts, and its plan."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal

import numpy as np
import pytest

from dpgate.errors import SynthesisError
from dpgate.mechanisms.session import Mechanisms
from dpgate.mechanisms.tape import UnsafePlayer, UnsafeRecorder
from dpgate.model.domain import ColumnDomain, Domain
from dpgate.model.event import Event
from dpgate.sources.arrow import table_source
from dpgate.synthesis.interface import Model, Task
from dpgate.synthesis.mst import select
from dpgate.synthesis.mst.merge import merge, total_of
from dpgate.synthesis.mst.plan import SCORE_UNIT
from dpgate.synthesis.mst.synthesizer import Mst
from dpgate.synthesis.sampling.directed import DirectedModel
from tests.suites import synthesizers, worlds
from tests.suites.synthesizers import SynthesizerSuite


class TestMst(SynthesizerSuite):
    synthesizer = Mst()

    def same(self, one: Model, other: Model) -> bool:
        assert isinstance(one, DirectedModel)
        assert isinstance(other, DirectedModel)
        first, second = (m.batch(500, np.random.default_rng(5)) for m in (one, other))
        return bool(first.equals(second))


def domain_of_sizes(*sizes: int) -> Domain:
    names = ("age", "grade", "smokes", "job", "income")
    return Domain(
        columns=tuple(
            ColumnDomain(name=name, kind="whole", values=tuple(range(size)))
            for name, size in zip(names, sizes, strict=False)
        )
    )


def planned(*sizes: int, relation: str = "add-remove") -> dict[str, Event]:
    task = Task(domain=domain_of_sizes(*sizes), relation=relation, rows=1)
    return {event.name: event for event in Mst().plan(task, Decimal("0.1"))}


@pytest.mark.parametrize(
    ("columns", "times"),
    [
        (1, {"mst.one_way": 1}),
        (2, {"mst.one_way": 2, "mst.two_way": 1}),
        (3, {"mst.one_way": 3, "mst.select": 2, "mst.two_way": 2}),
        (5, {"mst.one_way": 5, "mst.select": 4, "mst.two_way": 4}),
    ],
)
def test_events_of_a_plan(columns: int, times: dict[str, int]) -> None:
    events = planned(*[4] * columns)
    assert {name: event.times for name, event in events.items()} == times


def test_replacing_a_row_moves_twice_as_much() -> None:
    one, other = planned(2, 2, 2), planned(2, 2, 2, relation="replace-one")
    assert one["mst.two_way"].sensitivity_squared == 1
    assert other["mst.two_way"].sensitivity_squared == 2
    assert one["mst.select"].sensitivity_squared == SCORE_UNIT**2
    assert other["mst.select"].sensitivity_squared == 4 * SCORE_UNIT**2
    ratio = float(other["mst.select"].scale / one["mst.select"].scale)
    assert ratio == pytest.approx(2, rel=1e-6)


def test_tasks_that_are_refused() -> None:
    with pytest.raises(SynthesisError, match="at least one column"):
        Mst().plan(Task(domain=Domain(columns=()), relation="add-remove", rows=1), Decimal(1))
    with pytest.raises(SynthesisError, match="10000 × 2000 cells"):
        planned(10_000, 2_000)


@pytest.mark.parametrize(
    "column",
    [
        ColumnDomain(name="x", kind="whole", values=(1, 2**63)),
        ColumnDomain(name="x", kind="number", lows=(0, 5), highs=(5, 10**400)),
    ],
)
def test_values_that_files_cannot_hold_are_refused_before_the_data(column: ColumnDomain) -> None:
    domain = Domain(columns=(column, *worlds.domain().columns))
    with pytest.raises(SynthesisError, match=r"64-bit numbers: x$"):
        Mst().plan(Task(domain=domain, relation="add-remove", rows=1), Decimal(1))


def test_planning_needs_no_numerics() -> None:
    code = (
        "import sys, dpgate.synthesis.mst.synthesizer, dpgate.synthesis.registry\n"
        "heavy = {'numpy', 'pyarrow', 'pandas', 'opendp', 'torch', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("sizes", [(1, 1), (1, 3, 1), (1, 1, 1, 1), (2, 1, 2)])
def test_columns_of_one_cell(sizes: tuple[int, ...]) -> None:
    done = synthesizers.fit(Mst(), worlds.rows(10), domain=domain_of_sizes(*sizes))
    table = done.model.sample(30, synthesizers.ignore)
    assert table.num_rows == 30
    assert done.spent == done.events


def test_many_batches_make_one_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dpgate.synthesis.sampling.directed._ROWS_AT_ONCE", 64)
    model = synthesizers.fit(Mst(), worlds.rows(100)).model
    parts: list[float] = []
    assert model.sample(150, lambda stage, part: parts.append(part)).num_rows == 150
    assert parts == [64 / 150, 128 / 150, 1.0]


def test_few_pairs_at_a_time_give_the_same_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = UnsafeRecorder()
    synthesizers.fit(Mst(), worlds.rows(100), tape=whole)
    monkeypatch.setattr(select, "_CELLS_AT_ONCE", 10)
    parts = UnsafePlayer(outputs=[call.output for call in whole.calls])
    synthesizers.fit(Mst(), worlds.rows(100), tape=parts)
    for one, other in zip(whole.calls, parts.calls, strict=True):
        np.testing.assert_array_equal(one.inputs, other.inputs)


def test_merged_cells_keep_their_mass_and_variance() -> None:
    column = merge(np.array([100, 5, -3, 80, 7], dtype=np.int64), sigma=4.0)
    np.testing.assert_array_equal(column.cells, [0, 2, 2, 1, 2])
    np.testing.assert_array_equal(column.counts, [100, 80, 9])
    np.testing.assert_allclose(1 / column.weight, [16, 16, 48])
    np.testing.assert_allclose(column.within, [1, 3.5 / 9, 0, 1, 5.5 / 9])


def test_nothing_is_merged_where_nothing_is_rare() -> None:
    column = merge(np.array([100, 80], dtype=np.int64), sigma=1.0)
    np.testing.assert_array_equal(column.cells, [0, 1])
    np.testing.assert_array_equal(column.within, [1, 1])


@pytest.mark.parametrize("counts", [[-5, -9, -1], [0, 0, 0], [-50]])
def test_a_column_that_drowned_in_noise_is_one_cell(counts: list[int]) -> None:
    column = merge(np.array(counts, dtype=np.int64), sigma=10.0)
    assert not column.cells.any()
    assert column.within.sum() == pytest.approx(1)
    assert column.within.min() >= 0


def test_the_total_weighs_tables_by_their_noise() -> None:
    quiet, loud = np.array([60, 40]), np.array([100] * 8)
    assert total_of([(quiet, 1.0), (loud, 10.0)]) == pytest.approx(
        (100 / 2 + 800 / 800) / (1 / 2 + 1 / 800)
    )
    assert total_of([(np.array([-7, -8]), 1.0)]) == 0.0


@pytest.mark.parametrize("relation", synthesizers.RELATIONS)
def test_distances_are_reached(relation: str) -> None:
    """The declared sensitivity is no larger than it must be: some neighbors attain it."""
    ours, theirs = synthesizers.neighbors(relation, None)
    first = UnsafeRecorder()
    synthesizers.fit(Mst(), ours, relation=relation, tape=first)
    second = UnsafePlayer(outputs=[call.output for call in first.calls])
    synthesizers.fit(Mst(), theirs, relation=relation, tape=second)
    tables = [
        synthesizers.distance_squared(one, other)
        for one, other in zip(first.calls, second.calls, strict=True)
        if one.event.mechanism == "gaussian"
    ]
    assert max(tables) == first.calls[0].event.sensitivity_squared


class _LeakyMst(Mst):
    """Uses the exact number of rows as the total of its scores: what SmartNoise's MST does."""

    def fit(self, task, events, source, mechanisms, progress):  # type: ignore[no-untyped-def]
        exact = int(source.count([(0,)])[0].sum())
        real = select.spanning_tree

        def with_known_total(source, columns, total, *rest):  # type: ignore[no-untyped-def]
            return real(source, columns, float(exact) * 3, *rest)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("dpgate.synthesis.mst.fit.spanning_tree", with_known_total)
            return super().fit(task, events, source, mechanisms, progress)


class _LateMst(Mst):
    """Skips a table when a count is odd: the sequence of calls depends on the data."""

    def fit(self, task, events, source, mechanisms, progress):  # type: ignore[no-untyped-def]
        if source.count([(0,)])[0].sum() % 2:
            mechanisms.gaussian("mst.two_way", source.count([(0, 1)])[0])
        mechanisms.gaussian("mst.one_way", source.count([(0,)])[0])


@pytest.mark.parametrize(
    ("leaky", "words"), [(_LeakyMst(), "too far apart"), (_LateMst(), "sequence of calls")]
)
def test_the_audit_finds_leaks(leaky: Mst, words: str) -> None:
    ours, theirs = synthesizers.neighbors("add-remove", None)
    first = UnsafeRecorder()
    synthesizers.fit(leaky, ours, tape=first)
    second = UnsafePlayer(outputs=[*(call.output for call in first.calls), *first.calls[0].inputs])
    synthesizers.fit(leaky, theirs, tape=second)
    assert words in " ".join(synthesizers.audit(first.calls, second.calls))


def test_mechanisms_are_all_that_reads_the_source() -> None:
    """With every output on tape, a fit on no rows at all equals the fit on the data."""
    domain = worlds.domain()
    task = Task(domain=domain, relation="add-remove", rows=10)
    events = Mst().plan(task, Decimal("0.5"))
    tape = UnsafeRecorder()
    source = table_source(worlds.table(worlds.rows(300)), domain)
    one = Mst().fit(
        task, events, source, Mechanisms(events, "add-remove", tape=tape), synthesizers.ignore
    )
    player = UnsafePlayer(outputs=[call.output for call in tape.calls])
    empty = table_source(worlds.table([]), domain)
    other = Mst().fit(
        task, events, empty, Mechanisms(events, "add-remove", tape=player), synthesizers.ignore
    )
    assert TestMst().same(one, other)
