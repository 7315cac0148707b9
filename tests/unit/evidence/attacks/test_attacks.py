"""Each attack against a slow definition of its own, and what it refuses."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpgate.errors import EvidenceError
from dpgate.evidence.attacks import attribute, density, linkage, singling_out
from dpgate.evidence.attacks.combinations import Combinations
from dpgate.evidence.attacks.knowledge import known, ordered
from dpgate.evidence.attacks.near import APART, Near
from dpgate.model.domain import ColumnDomain, Domain, domain_of
from tests.unit.evidence.attacks.stage import (
    COLUMNS,
    DATASET,
    DOMAIN,
    ROWS,
    attacks,
    cell,
    cells,
    scene,
    subject,
)
from tests.unit.evidence.worlds import SAMPLE, SYNTHETIC, Row

FEW = st.lists(ROWS, min_size=1, max_size=8)
LINES = (False, True, True, False)


def apart(one: Row, two: Row) -> int:
    pairs = zip(cell(one), cell(two), LINES, strict=True)
    return sum(min(abs(a - b), APART) if line else APART * (a != b) for a, b, line in pairs)


@settings(max_examples=50, deadline=None)
@given(rows=FEW, released=FEW)
def test_distances_are_what_their_definition_says(rows: list[Row], released: list[Row]) -> None:
    assert ordered(scene()) == LINES
    near = Near(cells(released), DOMAIN.columns, LINES)
    slow = [[apart(row, other) for other in released] for row in rows]
    assert near.closest(cells(rows)).tolist() == [min(each) for each in slow]
    weights = np.arange(near.farthest + 1, dtype=np.uint16) ** 2
    assert near.weighed(cells(rows), weights).tolist() == [sum(d * d for d in e) for e in slow]
    first = [sorted(range(len(e)), key=lambda k, e=e: (e[k], k))[:3] for e in slow]  # type: ignore[misc]
    assert np.sort(near.few(cells(rows), 3)).tolist() == [sorted(each) for each in first]
    least = near.others(9, lambda row: row.min(initial=near.farthest)).tolist()
    others = [
        [apart(a, b) for j, b in enumerate(released) if i != j] for i, a in enumerate(released)
    ]
    assert least == [min(each, default=near.farthest) for each in others]


def test_null_is_far_and_many_cells_share_places() -> None:
    wide = ColumnDomain(
        name="w", kind="integer", lows=tuple(range(1000)), highs=tuple(range(1000)), null=1000
    )
    many = ColumnDomain(name="m", kind="whole", values=tuple(range(300)))
    near = Near(np.array([[0, 299]], dtype=np.uint16), [wide, many], (True, False))
    asked = np.array([[0, 299], [4, 299], [5, 299], [999, 43], [1000, 299]], dtype=np.uint16)
    assert near.closest(asked).tolist() == [0, 0, 1, 8, 4]


def test_very_many_columns_have_distances_above_a_byte() -> None:
    columns = [ColumnDomain(name=f"c{i}", kind="boolean", values=(False, True)) for i in range(100)]
    near = Near(np.zeros((1, 100), dtype=np.uint16), columns, (False,) * 100)
    assert near.closest(np.ones((1, 100), dtype=np.uint16)).tolist() == [400]


@settings(max_examples=50, deadline=None)
@given(rows=FEW, released=FEW, columns=st.lists(st.integers(0, 3), unique=True, max_size=4))
def test_combinations_are_found_as_often_as_they_are_there(
    rows: list[Row], released: list[Row], columns: list[int]
) -> None:
    def pick(row: Row) -> tuple[int, ...]:
        return tuple(cell(row)[c] for c in columns)

    found = Combinations(cells(released), columns).repeats(cells(rows)).tolist()
    assert found == [sum(pick(row) == pick(other) for other in released) for row in rows]


@settings(max_examples=40, deadline=None)
@given(rows=FEW, released=FEW)
def test_copies_are_exact_or_differ_in_one_column(rows: list[Row], released: list[Row]) -> None:
    def off(row: Row) -> int:
        return min(sum(a != b for a, b in zip(cell(row), cell(o), strict=True)) for o in released)

    scorer = attacks(scene())["copies"].scorer(subject([], [], released))
    assert scorer.place(cells(rows)).tolist() == [min(off(row), 2) for row in rows]


@settings(max_examples=40, deadline=None)
@given(rows=FEW, released=FEW)
def test_singling_out_counts_rows_that_satisfy_a_unique_predicate(
    rows: list[Row], released: list[Row]
) -> None:
    def hit(row: Row) -> bool:
        kinds = [(1, 3), (1, 3, 0), (1, 3, 2)]
        return any(
            sum(all(cell(row)[c] == cell(o)[c] for c in kind) for o in released) == 1
            for kind in kinds
        )

    scorer = attacks(scene())["singling_out"].scorer(subject([], [], released))
    assert scorer.place(cells(rows)).tolist() == [0 if hit(row) else 1 for row in rows]


@settings(max_examples=30, deadline=None)
@given(rows=FEW, released=st.lists(ROWS, min_size=6, max_size=12))
def test_linked_rows_have_a_closest_row_of_both_parts_in_common(
    rows: list[Row], released: list[Row]
) -> None:
    # With lots among ties only what is certain can be said: rows that must, and that cannot link.
    scorer = attacks(scene())["linkage"].scorer(subject([], [], released))
    for row, place in zip(rows, scorer.place(cells(rows)).tolist(), strict=True):
        may, must = [], []
        for part in ((1,), (3,)):
            near = [
                sum(
                    min(abs(cell(row)[c] - cell(o)[c]), APART)
                    if LINES[c]
                    else APART * (cell(row)[c] != cell(o)[c])
                    for c in part
                )
                for o in released
            ]
            last = sorted(near)[linkage.CLOSEST - 1]
            may.append({k for k, d in enumerate(near) if d <= last})
            within = {k for k, d in enumerate(near) if d < last}
            sure = len(may[-1]) == linkage.CLOSEST
            must.append(may[-1] if sure else within)
        assert place == 1 or may[0] & may[1]
        assert place == 0 or not must[0] & must[1]


@settings(max_examples=25, deadline=None)
@given(released=FEW, rows=FEW)
def test_attributes_of_groups_that_agree_are_taken_from_them(
    released: list[Row], rows: list[Row]
) -> None:
    scorer = attacks(scene())["attribute.income"].scorer(subject([], [], released))
    for row, place in zip(rows, scorer.place(cells(rows)).tolist(), strict=True):
        group = {cell(o)[2] for o in released if cell(o)[1::2] == cell(row)[1::2]}
        if len(group) == 1:
            assert (place < 2) == (cell(row)[2] in group)
        counts = np.bincount([cell(o)[2] for o in released], minlength=2)
        assert (place % 2 == 0) == (cell(row)[2] == int(counts.argmax()))


def test_density_is_higher_where_released_rows_crowd() -> None:
    crowd: list[Row] = [("full", 40, 50.0, True)] * 30
    spread: list[Row] = [
        (j, a, 5.0, s) for j in ("none", "part") for a in (3, 70) for s in (False, True)
    ]
    scorer = attacks(scene())["membership_density"].scorer(subject([], [], crowd + spread))
    far: Row = (None, 3, 50.0, False)
    inside, outside = scorer.place(cells([crowd[0], far])).tolist()
    assert inside < outside


@settings(max_examples=40, deadline=None)
@given(rows=FEW, released=st.lists(ROWS, min_size=2, max_size=10))
def test_density_ranks_rows_by_its_definition(rows: list[Row], released: list[Row]) -> None:
    scorer = attacks(scene())["membership_density"].scorer(subject([], [], released))
    others = [
        min(apart(a, b) for j, b in enumerate(released) if i != j) for i, a in enumerate(released)
    ]
    beta = min(density.BETA_AT_MOST, density.FOLDS / max(1.0, float(np.median(others))))

    def weight(distance: int) -> float:
        return float(round(density.SCALE * np.exp(-beta * distance)))

    def column(row: Row, other: Row, c: int) -> int:
        a, b = cell(row)[c], cell(other)[c]
        return min(abs(a - b), APART) if LINES[c] else APART * (a != b)

    def score(row: Row) -> float:
        crowd = sum(weight(apart(row, other)) for other in released)
        usual = [
            np.mean([np.exp(-beta * column(row, other, c)) for other in released]) for c in range(4)
        ]
        return float(np.log(max(crowd, 1.0)) - np.log(usual).sum())

    places = scorer.place(cells(rows)).tolist()
    scores = [score(row) for row in rows]
    for one, a in zip(scores, places, strict=True):
        for two, b in zip(scores, places, strict=True):
            # A logarithm and each of four tables are rounded to 1/64.
            assert one - two < 6 / density.STEPS or a <= b


def test_baselines_are_said_beside_the_results() -> None:
    labels = {}
    for name, attack in attacks(scene()).items():
        given = subject(SAMPLE * 40, SAMPLE * 40, SYNTHETIC, total=200)
        figures = attack.figures(given, [attack.exact(0, given, ())], (Decimal(0),))
        labels[name] = figures.parts[3].label
    assert labels == {
        "membership": "guessing who is a member",
        "membership_density": "guessing who is a member",
        "attribute.job": "success of the majority's value",
        "attribute.income": "success of the majority's value",
        "linkage": "linked by chance",
        "singling_out": "success among invented records",
        "copies": "success among invented records",
    }


def test_chance_links_more_often_among_few_rows() -> None:
    attack = attacks(scene())["linkage"]
    few, many = (
        attack.figures(subject([], [], SYNTHETIC * k), [np.zeros((2, 2), int)], (Decimal(0),))
        for k in (1, 50)
    )
    assert few.parts[3].value == 1
    assert many.parts[3].value == 1 - Fraction(comb(195, 5), comb(200, 5))


# ── what is refused ──────────────────────────────────────────────────────────────────────────


def test_known_columns_are_those_named_or_the_released_quasi_identifiers() -> None:
    assert known(scene(), 1, "x") == (1, 3)
    assert known(scene(), 1, "x", without=(3,)) == (1,)
    assert known(scene(knows=("job", "age")), 2, "x") == (0, 1)


@pytest.mark.parametrize(
    ("columns", "knows", "make", "message"),
    [
        (
            ["job", "income"],
            (),
            ("singling_out", None),
            "singling_out needs 1 or more known columns",
        ),
        (["job", "age"], (), ("linkage", None), "linkage needs 2 or more known columns"),
        (["job", "income"], (), ("attribute", "job"), "beside its target, and there are 0"),
        (["job", "age"], ("age",), ("attribute", "age"), "beside its target"),
        (["job", "age"], (), ("attribute", "income"), "income is no column that this release"),
        (["job", "age"], (), ("attribute", None), "no column is no column"),
        (["job", "age"], ("income",), ("singling_out", None), "income is no column"),
    ],
)
def test_columns_that_do_not_suffice_are_refused_at_planning(
    columns: list[str], knows: tuple[str, ...], make: tuple[str, str | None], message: str
) -> None:
    given = scene(knows=knows, domain=domain_of(DATASET, columns))
    module = {"singling_out": singling_out, "linkage": linkage, "attribute": attribute}[make[0]]
    attack = module.of_attack(make[1], Decimal(1), given, "e")
    with pytest.raises(EvidenceError, match=message) as caught:
        attack.vectors()
    assert caught.value.fix


def test_ordinal_columns_lie_on_a_line() -> None:
    changed = {**COLUMNS, "job": {**COLUMNS["job"], "type": "ordinal", "nullable": False}}
    spec = DATASET.model_dump(mode="python")
    spec["spec"]["columns"]["job"].update(type="ordinal")
    one = type(DATASET).model_validate(spec)
    assert ordered(scene(dataset=one, domain=domain_of(one, list(changed))))[0]


def test_a_domain_of_one_column_can_be_attacked() -> None:
    narrow = Domain(columns=DOMAIN.columns[:1])
    given = scene(domain=narrow)
    from dataclasses import replace

    from tests.unit.evidence.worlds import source, task

    whole = subject(SAMPLE, SAMPLE, SYNTHETIC)
    one = replace(
        whole,
        task=task(domain=narrow),
        source=source(SAMPLE, narrow),
        holdout=source(SAMPLE, narrow),  # type: ignore[arg-type]
    )
    for name in ("membership", "membership_density", "copies"):
        assert attacks(given)[name].exact(0, one, ()).sum() == 10
