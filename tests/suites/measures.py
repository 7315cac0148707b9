"""What every measure must do, of utility and of attacks alike.

A subclass says what is asked for (a threshold, or the name of an attack), computes the value once more by
its definition, and gives a release that must be caught. Private rows come with a coin each: attacks look
at members and holdout apart (`split`), other measures at all of them.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from dpgate.errors import EvidenceError
from dpgate.evidence.disclosure import records
from dpgate.evidence.measures import registry
from dpgate.evidence.measures.interface import Figure, Figures, Measure, Scene
from dpgate.evidence.measures.plan import plan
from dpgate.evidence.measures.run import exactly, measure
from dpgate.evidence.measures.subject import Subject
from dpgate.mechanisms.session import Mechanisms
from dpgate.mechanisms.tape import UnsafePlayer, UnsafeRecorder
from dpgate.model.attacks import ThreatModel
from dpgate.model.dataset import Dataset
from dpgate.model.domain import Domain, domain_of
from dpgate.model.utility import Threshold
from dpgate.sources.arrow import table_source
from dpgate.synthesis.interface import Task
from tests.suites import worlds

if TYPE_CHECKING:
    from dpgate.evidence.measures.interface import Ints

THRESHOLDS: TypeAdapter[Threshold] = TypeAdapter(Threshold)
RELATIONS = ("add-remove", "replace-one")
RHO = Decimal("0.05")
Row = worlds.Row
Private = tuple[Row, bool]
"""A row, and whether the model learned from it."""

DOMAIN = worlds.domain()
ROW = st.fixed_dictionaries(
    {
        "age": st.sampled_from([None, -(2**62), 0, 8, 30, 51, 99, 2**62]),
        "income": st.sampled_from(
            [None, 0.0, 1.5, 90.25, 5000.5, 1e30, float("nan"), float("-inf")]
        ),
        "job": st.sampled_from([None, "clerk", "smith", "other", "eve@example.com"]),
        "grade": st.sampled_from([None, 1, 2, 3, 5, 4, 2**40]),
        "smokes": st.sampled_from([None, False, True]),
    }
)
PRIVATE = st.lists(st.tuples(ROW, st.booleans()), max_size=8)
RELEASED = st.lists(ROW, min_size=1, max_size=6)
TOTAL = st.one_of(st.integers(1, 20), st.integers(1, 10**12))

NARROW: dict[str, dict[str, Any]] = {
    "age": {"domain": {"min": Decimal(0), "max": Decimal(99), "bins": 1}},
    "income": {"domain": {"min": Decimal(0), "max": Decimal(1), "bins": 1}},
    "job": {"domain": ("clerk",), "other": None},
    "grade": {"domain": (1,)},
}
"""The same columns with one cell each, and a null cell where there was one."""


def narrow(dataset: Dataset) -> Dataset:
    """A dataset whose columns have one value cell each, but for the boolean."""
    given = dataset.model_dump()
    for name, changes in NARROW.items():
        given["spec"]["columns"][name].update(changes)
    return Dataset.model_validate(given)


def cell_of(name: str, value: Any, domain: Domain | None = None) -> int:
    """The cell of a value, written independently of the encoder."""
    cells = domain or DOMAIN
    column = cells.columns[cells.names.index(name)]
    missing = value is None or (isinstance(value, float) and math.isnan(value))
    if column.lows:
        if missing:
            return column.fallback
        kept = min(max(value, column.lows[0]), column.highs[-1])
        return max(cell for cell, low in enumerate(column.lows) if low <= kept)
    return column.values.index(value) if value in column.values else column.fallback


@lru_cache
def usual(relation: str) -> Dataset:
    """The dataset of `worlds`."""
    return worlds.dataset(relation)


def within(part: Figure) -> bool:
    """Whether a figure is one."""
    return 0 <= part.low <= part.value <= part.high


class MeasureSuite(ABC):
    """Subclass as `TestMeasure…`."""

    asked: ClassVar[dict[str, Any] | str]
    """A threshold, or the name of an attack."""
    split: ClassVar[bool] = False
    """Whether it looks at members and holdout apart."""
    best: ClassVar[Fraction] = Fraction(0)
    """The value where released rows are the private ones."""
    bad_at_least: ClassVar[Fraction]
    """What the value of a bad release must be at least."""
    slack: ClassVar[Fraction] = Fraction(1, 4)
    """How many records the value may be off by what is rounded to steps."""
    threats: ClassVar[dict[str, Any] | None] = None
    """A threat model, for attacks."""

    @abstractmethod
    def slow(self, private: Sequence[Private], released: Sequence[Row], total: int) -> Fraction:
        """The value without noise, by its definition."""

    @abstractmethod
    def bad(self, rows: Sequence[Row]) -> list[Row]:
        """A release of these rows that must be caught."""

    # ── what there is to work with ───────────────────────────────────────────────────────────

    def scene(self, relation: str = "add-remove", dataset: Dataset | None = None) -> Scene:
        """Public documents."""
        chosen = dataset or usual(relation)
        return Scene(
            dataset=chosen,
            domain=domain_of(chosen, tuple(worlds.COLUMNS)),
            relation=relation,
            threat_model=None if self.threats is None else ThreatModel.model_validate(self.threats),
        )

    def make(self, scene: Scene) -> Measure:
        """The measure, through the entry points."""
        if isinstance(self.asked, str):
            return registry.attack_of(self.asked, Decimal(1), scene, "evidence.attack.asked")
        return registry.measure_of(THRESHOLDS.validate_python(self.asked), scene, "evidence.asked")

    def subject(
        self,
        scene: Scene,
        private: Sequence[Private],
        released: Sequence[Row],
        total: int,
    ) -> Subject:
        """What is looked at."""
        members = [row for row, member in private if member or not self.split]
        others = [row for row, member in private if not member and self.split]
        return Subject(
            task=Task(domain=scene.domain, relation=scene.relation, rows=len(released)),
            released=worlds.table(list(released)),
            total=total,
            source=table_source(worlds.table(members), scene.domain),
            progress=lambda _stage, _done: None,
            holdout=table_source(worlds.table(others), scene.domain) if self.split else None,
        )

    def without_noise(
        self, private: Sequence[Private], released: Sequence[Row], total: int
    ) -> Figures:
        """What it comes to exactly."""
        scene = self.scene()
        one = self.make(scene)
        ((_, figures),) = exactly([one], self.subject(scene, private, released, total))
        return figures

    def tolerance(self, released: Sequence[Row], total: int) -> Fraction:
        """How far rounding to steps can carry the value."""
        return self.slack / total

    # ── privacy ──────────────────────────────────────────────────────────────────────────────

    @pytest.mark.parametrize("relation", RELATIONS)
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        private=PRIVATE,
        more=st.tuples(ROW, st.booleans()),
        place=st.integers(0, 7),
        released=RELEASED,
        total=TOTAL,
        before=st.tuples(st.integers(0, 2**32 - 1), st.sampled_from([3, 1000, 10**12])),
    )
    def test_neighbors_are_no_farther_apart_than_declared(
        self,
        relation: str,
        private: list[Private],
        more: Private,
        place: int,
        released: list[Row],
        total: int,
        before: tuple[int, int],
    ) -> None:
        scene = self.scene(relation)
        one = self.make(scene)
        worlds_ = [
            self.subject(scene, rows, released, total)
            for rows in (private, neighbor(relation, private, more, place))
        ]
        rng, size = np.random.default_rng(before[0]), before[1]
        given_: list[Ints] = []
        for number, vector in enumerate(one.vectors()):
            here, there = (one.exact(number, each, tuple(given_)) for each in worlds_)
            assert here.shape == there.shape
            assert here.dtype == there.dtype == np.int64
            assert max(abs(int(x)) for x in [0, *here.ravel(), *there.ravel()]) <= 2**62
            apart = sum(
                (int(a) - int(b)) ** 2 for a, b in zip(here.ravel(), there.ravel(), strict=True)
            )
            assert apart <= vector.distance_squared
            given_.append(rng.integers(-size, size, here.shape, endpoint=True))

    @pytest.mark.parametrize("relation", RELATIONS)
    @pytest.mark.parametrize("name", worlds.HOSTILE)
    def test_replayed_on_a_neighbor_the_record_is_the_same_bytes(
        self, relation: str, name: str
    ) -> None:
        scene = self.scene(relation)
        events = plan([self.make(scene)], RHO, relation)
        rows = [(row, bool(place % 2)) for place, row in enumerate(worlds.rows(40))]
        other = neighbor(relation, rows, (worlds.HOSTILE[name], True), 3)
        recorder = UnsafeRecorder()
        said = self._record(scene, rows, Mechanisms(events, relation, tape=recorder))
        player = UnsafePlayer(outputs=[call.output for call in recorder.calls])
        assert said == self._record(scene, other, Mechanisms(events, relation, tape=player))
        for a, b in zip(recorder.calls, player.calls, strict=True):
            assert (a.event, a.scale) == (b.event, b.scale)
            apart = int(((a.inputs - b.inputs) ** 2).sum())
            assert apart <= a.event.sensitivity_squared

    def _record(self, scene: Scene, rows: Sequence[Private], mechanisms: Mechanisms) -> str:
        one = self.make(scene)
        events = plan([one], RHO, scene.relation)
        subject = self.subject(scene, rows, worlds.rows(30, seed=8), 41)
        return json.dumps(records(measure([one], events, subject, mechanisms), mechanisms.spent))

    def test_the_order_of_rows_does_not_matter(self) -> None:
        rows = [(row, bool(place % 2)) for place, row in enumerate(worlds.rows(60))]
        released = worlds.rows(50, seed=9)
        assert self.without_noise(rows, released, 60) == self.without_noise(
            rows[::-1], released, 60
        )

    def test_planning_loads_no_numerics(self) -> None:
        made = (
            f"attack_of({self.asked!r}, Decimal(1), scene, 'evidence.attack.asked')"
            if isinstance(self.asked, str)
            else "measure_of(TypeAdapter(Threshold).validate_python("
            f"{self.asked!r}), scene, 'evidence.asked')"
        )
        program = (
            "import sys; from decimal import Decimal; from pydantic import TypeAdapter\n"
            "from dpgate.evidence.measures.registry import attack_of, measure_of\n"
            "from dpgate.evidence.measures.interface import Scene\n"
            "from dpgate.evidence.measures.plan import plan\n"
            "from dpgate.model.attacks import ThreatModel\n"
            "from dpgate.model.dataset import Dataset\n"
            "from dpgate.model.domain import domain_of\n"
            "from dpgate.model.utility import Threshold\n"
            f"data = Dataset.model_validate({worlds.dataset().model_dump()!r})\n"
            f"threats = {self.threats!r} and ThreatModel.model_validate({self.threats!r})\n"
            f"domain = domain_of(data, {tuple(worlds.COLUMNS)!r})\n"
            "scene = Scene(dataset=data, domain=domain, relation='add-remove',"
            " threat_model=threats)\n"
            f"one = {made}\n"
            "events = plan([one], Decimal('0.1'), 'add-remove')\n"
            "one.half_width([event.scale for event in events], 1000)\n"
            "print(*{'numpy', 'pyarrow', 'pandas', 'torch'} & set(sys.modules))"
        )
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout.split()) == (0, []), done.stderr

    # ── what it says ─────────────────────────────────────────────────────────────────────────

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(private=PRIVATE, released=RELEASED, total=TOTAL)
    def test_without_noise_it_is_what_its_definition_says(
        self, private: list[Private], released: list[Row], total: int
    ) -> None:
        found = self.without_noise(private, released, total).main.value
        expected = self.slow(private, released, total)
        assert abs(found - expected) <= self.tolerance(released, total)

    def test_the_same_rows_are_best(self) -> None:
        rows = worlds.rows(400)
        found = self.without_noise([(row, True) for row in rows], rows, len(rows))
        assert found.main.value == self.best

    def test_a_bad_release_is_caught(self) -> None:
        rows = worlds.rows(400)
        found = self.without_noise([(row, True) for row in rows], self.bad(rows), len(rows))
        assert found.main.value >= self.bad_at_least

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        released=RELEASED,
        total=TOTAL,
        noise=st.tuples(st.integers(0, 2**32 - 1), st.sampled_from([2, 10**5, 2**60])),
        scale=st.sampled_from([Decimal(0), Decimal("0.7"), Decimal(10**6)]),
    )
    def test_a_value_always_lies_in_its_interval(
        self, released: list[Row], total: int, noise: tuple[int, int], scale: Decimal
    ) -> None:
        scene = self.scene()
        one = self.make(scene)
        subject = self.subject(scene, [], released, total)
        rng, size = np.random.default_rng(noise[0]), noise[1]
        noisy: list[Ints] = []
        for place in range(len(one.vectors())):
            shape = one.exact(place, subject, tuple(noisy)).shape
            noisy.append(rng.integers(-size, size, shape, endpoint=True))
        found = one.figures(subject, noisy, (scale,) * len(noisy))
        assert within(found.main)
        assert all(within(part) and part.label.isprintable() for part in found.parts)
        assert len(found.parts) <= 200
        assert 0 < len(found.given) <= 500

    @pytest.mark.parametrize("private", [[], [({**worlds.HOSTILE["nan"]}, True)] * 3])
    @pytest.mark.parametrize("cut", [False, True])
    def test_odd_tables_and_columns_of_one_cell(self, private: list[Private], *, cut: bool) -> None:
        scene = self.scene(dataset=narrow(worlds.dataset()) if cut else None)
        one = self.make(scene)
        try:
            one.vectors()
        except EvidenceError as error:
            if cut and error.fix:  # said when planning, with what to do
                return
            raise
        for released in ([worlds.HOSTILE["nan"]], [worlds.HOSTILE["huge"]]):
            subject = self.subject(scene, private, released, 1)
            ((_, figures),) = exactly([one], subject)
            assert within(figures.main)

    @pytest.mark.parametrize("relation", RELATIONS)
    def test_it_is_planned_within_its_budget(self, relation: str) -> None:
        one = self.make(self.scene(relation))
        events = plan([one], RHO, relation)
        assert len(events) == len(one.vectors())
        assert all(event.name.startswith(one.event) for event in events)
        assert sum(event.loss for event in events) <= RHO
        wide, narrow_ = (one.half_width([e.scale for e in events], n) for n in (100, 10_000))
        assert 0 <= narrow_ <= wide


def neighbor(relation: str, rows: list[Private], more: Private, place: int) -> list[Private]:
    """One row more, or another in the place of one, on the same side or not."""
    if relation == "add-remove":
        return [*rows, more]
    return [*rows[: place % len(rows)], more, *rows[place % len(rows) + 1 :]] if rows else rows
