"""What all attacks share: neighbors stay close, plans need no data, nothing is said by chance."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpgate.errors import EvidenceError, SourceError
from dpgate.evidence.attacks.tally import Scorer, Tally
from dpgate.evidence.disclosure import records
from dpgate.evidence.measures import registry
from dpgate.evidence.measures.interface import Scene
from dpgate.evidence.measures.plan import plan
from dpgate.evidence.measures.run import exactly, measure
from dpgate.mechanisms.session import Mechanisms
from dpgate.mechanisms.tape import UnsafePlayer, UnsafeRecorder, UnsafeTape
from dpgate.model.event import Event
from dpgate.model.values import Relation
from dpgate.sources.arrow import ArrowSource
from tests.unit.evidence.attacks.stage import (
    DATASET,
    DOMAIN,
    NAMES,
    RELATIONS,
    ROWS,
    TABLES,
    attacks,
    dataset,
    scene,
    subject,
)
from tests.unit.evidence.worlds import SAMPLE, SYNTHETIC, Row, table


def neighbor(relation: str, rows: list[Row], row: Row, place: int) -> list[Row]:
    if relation == "add-remove":
        return [*rows, row]
    return [*rows[: place % len(rows)], row, *rows[place % len(rows) + 1 :]] if rows else rows


@pytest.fixture(scope="module")
def scorers() -> dict[str, dict[int, Scorer]]:
    return {name: {} for name in NAMES}


@pytest.mark.parametrize("relation", RELATIONS)
@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25, deadline=None)
@given(
    members=TABLES,
    held=TABLES,
    row=ROWS,
    place=st.integers(0, 7),
    released=st.lists(ROWS, min_size=1, max_size=6),
    side=st.booleans(),
)
def test_neighbors_are_no_farther_apart_than_declared(
    relation: Relation,
    name: str,
    members: list[Row],
    held: list[Row],
    row: Row,
    place: int,
    released: list[Row],
    side: bool,
) -> None:
    attack = attacks(scene(relation))[name]
    one = subject(members, held, released)
    scorer = attack.scorer(one)  # public lots are drawn once, as in a release
    fixed = _fixed(attack, scorer)
    changed = (
        subject(members, neighbor(relation, held, row, place), released)
        if side
        else subject(neighbor(relation, members, row, place), held, released)
    )
    before, after = (fixed.exact(0, each, ()) for each in (one, changed))
    (vector,) = attack.vectors()
    moved = int(((after - before) ** 2).sum())
    assert moved <= vector.distance_squared == {"add-remove": 1, "replace-one": 2}[relation]
    assert before.shape == after.shape == (2, scorer.bins)
    assert before.sum(axis=1).tolist() == [len(members), len(held)]
    if relation == "add-remove":
        assert moved == 1


class _Fixed(Tally):
    made: Scorer

    def check(self) -> None: ...

    def scorer(self, subject: object) -> Scorer:
        return self.made


def _fixed(attack: Tally, scorer: Scorer) -> _Fixed:
    made = _Fixed(key=attack.key, event=attack.event, weight=attack.weight, scene=attack.scene)
    object.__setattr__(made, "made", scorer)
    return made


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=15, deadline=None)
@given(rows=st.lists(ROWS, min_size=2, max_size=8), released=st.lists(ROWS, min_size=1, max_size=6))
def test_a_row_falls_where_it_falls_alone(name: str, rows: list[Row], released: list[Row]) -> None:
    scorer = attacks(scene())[name].scorer(subject([], [], released))
    cells = subject([], [], rows).cells
    together = np.broadcast_to(scorer.place(cells), len(cells))
    alone = [int(scorer.place(cells[k : k + 1])[0]) for k in range(len(cells))]
    assert together.tolist() == alone


@pytest.mark.parametrize("bins", [[7, -3, 0], [0, 0, 0]])
def test_whatever_an_attack_says_each_row_is_in_one_bin_that_exists(bins: list[int]) -> None:
    attack = attacks(scene())["copies"]
    fixed = _fixed(attack, Scorer(bins=2, place=lambda cells: np.array(bins[: len(cells)])))
    counts = fixed.exact(0, subject(SAMPLE[:3], SAMPLE[:2], SYNTHETIC), ())
    assert counts.sum(axis=1).tolist() == [3, 2]


def test_a_bin_too_few_or_too_many_is_an_error() -> None:
    attack = attacks(scene())["copies"]
    fixed = _fixed(attack, Scorer(bins=2, place=lambda cells: np.zeros(len(cells) + 1, int)))
    with pytest.raises(ValueError, match=r"broadcast|shape"):
        fixed.exact(0, subject(SAMPLE, SAMPLE, SYNTHETIC), ())


@pytest.mark.parametrize("name", NAMES)
def test_without_a_holdout_or_released_rows_there_is_no_attack(name: str) -> None:
    attack = attacks(scene())[name]
    with pytest.raises(EvidenceError, match="held out"):
        attack.exact(0, subject(SAMPLE, None, SYNTHETIC), ())
    with pytest.raises(EvidenceError, match="no synthetic rows"):
        attack.exact(0, subject(SAMPLE, SAMPLE, []), ())


def test_a_source_that_breaks_says_nothing_of_its_rows() -> None:
    def broken() -> object:
        yield from table(SAMPLE).to_batches(2)
        raise ValueError("canary@example.org")

    whole = subject(SAMPLE, SAMPLE, SYNTHETIC)
    torn = replace(whole, source=ArrowSource(DOMAIN, broken))  # type: ignore[arg-type]
    with pytest.raises(SourceError) as caught:
        attacks(scene())["copies"].exact(0, torn, ())
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("name", NAMES)
def test_few_rows_say_nothing_and_so_deny(name: str) -> None:
    attack = attacks(scene())[name]
    ((_, figures),) = exactly([attack], subject(SAMPLE, SAMPLE, SYNTHETIC))
    assert figures.main.low == 0
    assert figures.main.high == 1
    assert all(part.low <= part.value <= part.high for part in figures.parts)
    assert [part.label for part in figures.parts[:2]] == [
        "success among members",
        "success among holdout",
    ]


@pytest.mark.parametrize("name", NAMES)
def test_noise_that_drowns_the_holdout_denies(name: str) -> None:
    attack = attacks(scene())[name]
    few = subject(SAMPLE * 400, SAMPLE * 100, SYNTHETIC, total=2000)
    exact = attack.exact(0, few, ())
    assert attack.figures(few, [exact], (Decimal(1),)).main.high < 1
    assert attack.figures(few, [exact], (Decimal(2000),)).main.high == 1


@pytest.mark.parametrize("name", NAMES)
def test_rows_returned_as_they_are_show(name: str) -> None:
    # Members and holdout have nothing in common; what is released are the members.
    members: list[Row] = [("full", 40, 5.0, True), ("none", 70, 50.0, False)]
    held: list[Row] = [("part", 3, 50.0, False), ("part", 3, 5.0, True)]
    released = members * 20
    attack = attacks(scene(knows=("age", "smokes", "income")))[name.replace("income", "job")]
    ((_, figures),) = exactly([attack], subject(members * 500, held * 500, released, total=1000))
    if name not in {"singling_out", "linkage"}:  # no released row is alone among forty copies
        assert figures.main.low > Fraction(9, 10)


def test_more_rows_than_are_looked_at_are_thinned_by_coins() -> None:
    attack = attacks(scene())["membership"]
    rows = SAMPLE * 10_000
    counts = attack.exact(0, subject(rows, SAMPLE, SYNTHETIC, total=len(rows)), ())
    assert abs(int(counts[0].sum()) - 20_000) < 1_000
    assert counts[1].sum() == 5


@pytest.mark.parametrize("name", NAMES)
def test_the_interval_to_expect_is_the_one_that_comes(name: str) -> None:
    attack, scale = attacks(scene())[name], (Decimal(4),)
    expected = attack.half_width(scale, 10_000)
    bins, held = attack.usual_bins, 2_000
    even = np.array([[8_000 // bins] * bins, [held // bins] * bins], dtype=np.int64)
    found = attack.figures(subject([], [], SYNTHETIC), [even], scale).main
    assert Fraction(1, 2) * expected < found.high - found.value < Fraction(3, 2) * expected
    assert attack.half_width(scale, 10) == 1
    assert attack.half_width(scale, 10**9) < expected < attack.half_width((Decimal(40),), 10_000)


def test_rows_of_one_person_widen_what_is_expected() -> None:
    one = attacks(scene())["copies"].half_width((Decimal(4),), 10_000)
    five = attacks(scene(dataset=dataset(5)))["copies"].half_width((Decimal(4),), 10_000)
    assert five > one * Fraction(3, 2)


def test_a_scene_without_a_threat_model_has_the_usual_holdout() -> None:
    bare = Scene(dataset=DATASET, domain=DOMAIN, relation="add-remove")
    found = attacks(bare)
    assert found["copies"].half_width((Decimal(4),), 10_000) > 0
    counts = found["linkage"].exact(0, subject(SAMPLE, SAMPLE, SYNTHETIC), ())
    assert counts.sum() == 10


@pytest.mark.parametrize("name", NAMES)
def test_every_attack_is_found_by_its_name(name: str) -> None:
    kind, _, about = name.partition(".")
    made = registry.attack_of(name, Decimal(3), scene(), "evidence.attack.x")
    assert (made.key.metric, made.key.about) == (kind, about or None)
    assert (made.weight, made.event) == (Decimal(3), "evidence.attack.x")
    assert made.whole_rows


HOSTILE: Row = ("canary@example.org", 2**62, float("nan"), True)


@pytest.mark.parametrize("relation", RELATIONS)
def test_replayed_on_a_neighbor_the_record_is_the_same_bytes(relation: Relation) -> None:
    # The others draw public lots, or invent records: their baselines differ from run to run.
    made = [a for n, a in attacks(scene(relation)).items() if n.startswith(("member", "attr"))]
    events = plan(made, Decimal("0.5"), relation)
    recorder = UnsafeRecorder()
    one = _record(made, events, SAMPLE, relation, recorder)
    player = UnsafePlayer(outputs=[call.output for call in recorder.calls])
    two = _record(made, events, neighbor(relation, SAMPLE, HOSTILE, 2), relation, player)
    assert one == two
    assert "canary" not in one
    apart = [
        int(((a.inputs - b.inputs) ** 2).sum())
        for a, b in zip(recorder.calls, player.calls, strict=True)
    ]
    assert max(apart) > 0  # the worlds do differ
    assert all(d <= e.sensitivity_squared for d, e in zip(apart, events, strict=True))


def _record(
    made: list[Tally],
    events: tuple[Event, ...],
    rows: list[Row],
    relation: Relation,
    tape: UnsafeTape,
) -> str:
    mechanisms = Mechanisms(events, relation, tape=tape)
    results = measure(made, events, subject(rows, SAMPLE, SYNTHETIC), mechanisms)
    return json.dumps(records(results, mechanisms.spent))


def test_planning_loads_no_numerics() -> None:
    program = (
        "import sys; from decimal import Decimal\n"
        "from dpgate.evidence.attacks import attribute, copies, density, linkage, membership\n"
        "from dpgate.evidence.attacks import singling_out\n"
        "from dpgate.evidence.measures import prediction\n"
        "from dpgate.evidence.measures.interface import Scene\n"
        "from dpgate.model.dataset import Dataset\n"
        "from dpgate.model.domain import domain_of\n"
        f"data = Dataset.model_validate({DATASET.model_dump(mode='python')!r})\n"
        "domain = domain_of(data, ['job', 'age', 'income', 'smokes'])\n"
        "scene = Scene(dataset=data, domain=domain, relation='add-remove')\n"
        "made = [m.of_attack(None, Decimal(1), scene, 'e')\n"
        "        for m in (copies, density, linkage, membership, singling_out)]\n"
        "made.append(attribute.of_attack('job', Decimal(1), scene, 'e'))\n"
        "made.append(prediction.Prediction(key=made[0].key, event='e', weight=Decimal(1),\n"
        "                                  scene=scene, target='job'))\n"
        "for each in made: each.vectors(), each.half_width((Decimal(1),), 1000)\n"
        "print(*{'numpy', 'pyarrow', 'pandas', 'sklearn', 'scipy'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, [], "")
