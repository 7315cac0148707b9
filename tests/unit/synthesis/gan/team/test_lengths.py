"""How long messages are, by exact tails and by public numbers."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from scipy.stats import poisson

from dpgate.errors import SynthesisError
from dpgate.synthesis.gan.plan import Recipe
from dpgate.synthesis.gan.team import lengths

MADE = Recipe(
    steps=10, batch=1_000, rate=Decimal("0.01"), clip=0.3, learning_rate=0.01,
    width=8, latent=2, at_once=10_000, processes=2,
)  # fmt: skip


@pytest.mark.parametrize("processes", [2, 7, 64])
def test_a_part_has_room_for_almost_every_sample(processes: int) -> None:
    for batch in (*range(1, 300), 2_000, 10**5, 10**7):
        room = lengths.room(batch, processes)
        assert poisson.sf(processes * room, batch) < 1e-14
        assert room <= 3 + (9 * batch + 24) / processes


@pytest.mark.parametrize(
    ("made", "columns", "trained"),
    [
        (replace(MADE, person_rows=10_000), 200, 0),
        (replace(MADE, batch=10**8), 100, 0),
        (MADE, 3, 2**29),
    ],
)
def test_what_is_too_long_for_a_message_is_refused(
    made: Recipe, columns: int, trained: int
) -> None:
    with pytest.raises(SynthesisError, match="and 2147483648 is the most") as caught:
        lengths.require_sendable(made, columns, trained)
    assert ("max_rows_per_person" in caught.value.fix) == (made.person_rows is not None)


def test_the_longest_message_that_is_allowed_can_be_received() -> None:
    """TLS adds a head of 5, a tag of 16 and a kind of 1 to 16 KiB."""
    columns = next(
        columns
        for columns in range(200, 50, -1)
        if _allowed(replace(MADE, person_rows=10_000), columns)
    )
    plain = 2 * lengths.room(1_000, 2) * 10_000 * columns
    assert plain > 0.98 * lengths.MOST
    assert plain + 2**10 + 22 * (plain // 2**14 + 1) <= lengths.MOST


def _allowed(made: Recipe, columns: int) -> bool:
    try:
        lengths.require_sendable(made, columns, 0)
    except SynthesisError:
        return False
    return True
