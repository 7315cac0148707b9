"""After a training: the generator's rows get the shares of the noisy one-way tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from dpgate.synthesis.gan.layers import Mlp
from dpgate.synthesis.gan.start import known_shares

if TYPE_CHECKING:
    from dpgate.synthesis.gan.start import Start

ROUNDS = 10
_ROWS = 20_000
_NUMBERS = 2**23
"""Scores at once, in rows times cells: bounds memory."""
_LEAST = 1e-12
"""Mean chances below it count as it: their logarithm must be finite."""


def rows_to_match(width: int) -> int:
    """How many made-up rows tell a generator's shares, of so many cells of all columns."""
    return max(1_000, min(_ROWS, _NUMBERS // width))


def match(generator: Mlp, entering: Tensor, begun: Start, held: Tensor | None = None) -> None:
    """Moves the biases of the last layer until made-up rows have the shares of noisy one-way tables.

    A training drifts off the tables that it began at, and its noise moves every bias a little. A bias
    moves a cell's score in all rows alike, so how scores differ from row to row, which is what was
    learned, stays. Generalized iterative scaling (Darroch and Ratcliff 1972): scores plus the logarithm of
    what a share should be over what it is. The cells of a column exclude each other, so no round leads
    away; where rows are all but certain of their cells, the rounds end some way off.

    Args:
        generator: from normal numbers (and a condition) to scores.
        entering: what goes in, for `rows_to_match` rows.
        begun: tells shares, and is told the progress.
        held: for each row the column that its condition holds, whose scores draw nothing; None: no
            row has a condition.

    Privacy:
        Post-processing of noisy weights and noisy tables; reads no private row.
    """
    last = generator.layers[-1]
    assert isinstance(last, nn.Linear)  # noqa: S101 - an Mlp has no others
    shares = known_shares(begun.margins).to(last.bias)
    with torch.no_grad():
        scores = generator(entering)
        for done in range(1, ROUNDS + 1):
            is_now = torch.cat(_means(begun.blocks.split(scores), held))
            # Where scores are beyond numbers, no bias helps.
            by = torch.log(shares / is_now.clamp(min=_LEAST)).nan_to_num(nan=0.0)
            last.bias.add_(by)
            scores.add_(by)
            begun.progress("match one-way tables", done / ROUNDS)


def _means(scores: tuple[Tensor, ...], held: Tensor | None) -> list[Tensor]:
    """Mean chance of each cell, column by column, over rows that draw it; over all where none does."""
    means = []
    for place, own in enumerate(scores):
        free = own if held is None else own[held != place]
        means.append(nn.functional.softmax(free if len(free) else own, dim=1).mean(dim=0))
    return means
