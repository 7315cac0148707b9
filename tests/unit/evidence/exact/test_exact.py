"""Exact metrics on small rows: what they find, and what they refuse."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from dpgate.errors import EvidenceError
from dpgate.evidence.exact import interface, rows
from dpgate.evidence.exact.canaries import canaries, told
from dpgate.evidence.exact.interface import exact_of
from dpgate.evidence.exact.shadow import shadow
from dpgate.model.domain import ColumnDomain, Domain
from dpgate.model.utility import Detectability, PredictionRatio
from tests.unit.evidence.attacks.stage import DOMAIN, scene, subject
from tests.unit.evidence.worlds import SAMPLE, SYNTHETIC, Row

if TYPE_CHECKING:
    from dpgate.evidence.whole_rows import Cells

COINS = np.random.default_rng()
DETECT = Detectability(metric="detectability", at_most=Decimal("0.6"))


def people(count: int) -> list[Row]:
    """Rows in which smoking and income follow from age, mostly."""
    ages = COINS.choice([3, 40, 70], count)
    odd = COINS.random(count) < 0.1
    return [
        (str(COINS.choice(["none", "part", "full"])), int(a), 50.0 * (a > 18), bool((a > 18) ^ o))
        for a, o in zip(ages, odd, strict=True)
    ]


def ratio(target: str) -> PredictionRatio:
    return PredictionRatio(metric="prediction_ratio", target=target, at_least=Decimal("0.9"))


@pytest.mark.parametrize("target", ["smokes", "age", "job", "income"])
@pytest.mark.parametrize("held", [True, False])
def test_rows_of_the_same_kind_are_as_good_as_real_ones(target: str, held: bool) -> None:
    given = subject(people(900), people(900) if held else None, people(900))
    found = exact_of(ratio(target), scene()).measure(given)
    assert found.main.low == found.main.value == found.main.high
    least = Fraction(2, 3) if target in {"job", "income"} else Fraction(9, 10)
    assert found.main.value > least
    assert ("R²" if target in {"age", "income"} else "AUC") in found.parts[0].label


def test_rows_that_say_the_opposite_or_nothing_of_a_target_are_not() -> None:
    opposite: list[Row] = [(j, a, i, not s) for j, a, i, s in people(900)]
    given = subject(people(900), people(900), opposite)
    assert exact_of(ratio("smokes"), scene()).measure(given).main.value < Fraction(9, 10)
    one: list[Row] = [(j, a, i, True) for j, a, i, _ in people(900)]
    given = subject(people(900), people(900), one)
    assert exact_of(ratio("smokes"), scene()).measure(given).parts[0].value == Fraction(1, 2)


def test_a_target_that_nothing_predicts_has_no_ratio() -> None:
    same: list[Row] = [(j, 40, i, s) for j, _, i, s in people(200)]
    with pytest.raises(EvidenceError, match="nothing predicts age"):
        exact_of(ratio("age"), scene()).measure(subject(same, same, same))
    with pytest.raises(EvidenceError, match="wealth cannot be predicted"):
        exact_of(ratio("wealth"), scene()).measure(subject(same, same, same))


def test_other_rows_are_told_apart_and_equal_ones_are_not() -> None:
    real, like = people(2_000), people(2_000)
    other: list[Row] = [(j, a, i, not s) for j, a, i, s in like]
    made = exact_of(DETECT, scene())
    assert made.measure(subject(real, None, like)).main.value < Fraction(55, 100)
    assert made.measure(subject(real, None, other)).main.value > Fraction(8, 10)


@pytest.mark.parametrize("asked", [DETECT, ratio("age")])
def test_too_few_rows_are_refused(asked: Any) -> None:
    made = exact_of(asked, scene())
    with pytest.raises(EvidenceError, match=r"no rows|too few rows"):
        made.measure(subject([], None, SYNTHETIC))
    with pytest.raises(EvidenceError, match="too few rows"):
        made.measure(subject(SAMPLE[:1], None, SYNTHETIC))


def test_sources_that_only_count_are_refused() -> None:
    with pytest.raises(EvidenceError, match="whole rows"):
        rows.gathered(object(), 1)  # type: ignore[arg-type]


def test_a_metric_that_nobody_brings_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    interface._loaded.cache_clear()
    monkeypatch.setattr(interface, "entry_points", lambda **_: ())
    with pytest.raises(EvidenceError, match="detectability is not installed"):
        exact_of(DETECT, scene())
    monkeypatch.setattr(interface, "entry_points", lambda **_: (1, 2))
    with pytest.raises(EvidenceError, match="claimed by several"):
        exact_of(DETECT, scene())
    interface._loaded.cache_clear()


# ── stand-ins ────────────────────────────────────────────────────────────────────────────────


def copies(given: Cells) -> Cells:
    return given


def forgets(given: Cells) -> Cells:
    return np.stack([COINS.integers(0, size, 400) for size in DOMAIN.sizes], axis=1).astype(
        np.uint16
    )


WIDE = Domain(
    columns=tuple(
        ColumnDomain(name=f"c{i}", kind="whole", values=(1, 2, 3, 4, 5)) for i in range(9)
    )
)


def test_canaries_show_in_what_copies_and_not_in_what_forgets() -> None:
    plain, wide = np.zeros((400, 9), dtype=np.uint16), scene(domain=WIDE)
    found = canaries(wide, plain, copies)
    assert found.main.low > Fraction(1, 2)
    assert found.main.low < found.main.value <= found.main.high
    assert canaries(wide, plain, lambda rows: rows[:1]).main.low == 0


def test_shadow_models_find_what_copies() -> None:
    wide = np.arange(48, dtype=np.uint16)
    pool = np.stack([wide % 4, wide // 4 % 3, wide // 12 % 2, wide // 24], axis=1)
    pool = np.tile(pool, (4, 1))[:48]
    found = shadow(scene(), np.concatenate([pool] * 2)[:48], copies)
    assert found.main.value > Fraction(1, 2)
    assert shadow(scene(), pool, forgets).main.low == 0
    for few, rounds in ((pool[:1], 16), (pool, 3)):
        with pytest.raises(EvidenceError, match="2 rows and 4 rounds"):
            shadow(scene(), few, copies, rounds)


def test_calls_that_are_always_right_have_an_advantage_of_one() -> None:
    inside = np.arange(200) < 100
    found = told(np.where(inside, -1, 1), inside)
    assert found.main.value == 1
    assert found.main.low > Fraction(8, 10)
    assert told(np.zeros(200, dtype=np.int64), inside).main.value == 0
