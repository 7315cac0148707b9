"""What rank 0 and a worker tell each other, to the byte."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dpgate.synthesis.gan.team import messages
from tests.suites.teams import JOB

WEIGHTS = b"\1\2\3\4" * 5


@pytest.mark.parametrize("shape", [(0, 3), (1, 3), (7, 3), (40, 3), (0, 2, 3), (9, 2, 3), (4,)])
def test_a_step_comes_back_whatever_its_rows_look_like(shape: tuple[int, ...]) -> None:
    cells = np.random.default_rng(1).integers(0, 2**16, shape).astype(np.uint16)
    weights, rows = messages.opened(messages.step(WEIGHTS, cells, 8), 5)
    assert weights == WEIGHTS
    assert rows.dtype == np.uint16
    np.testing.assert_array_equal(rows, cells)


def test_the_length_of_a_step_does_not_count_its_rows() -> None:
    def length(rows: int) -> int:
        return len(messages.step(WEIGHTS, np.zeros((rows, 3), dtype=np.uint16), 50))

    assert len({length(rows) for rows in range(51)}) == 1
    assert length(51) == length(100) > length(50)


@pytest.mark.parametrize(
    "harm",
    [
        b"",
        b"D",
        b"S",
        b"X" + messages.step(WEIGHTS, np.zeros((2, 3), dtype=np.uint16), 8)[1:],
        messages.step(WEIGHTS, np.zeros((2, 3), dtype=np.uint16), 8)[:40],
        b"S" + b"\xff" * 60,
    ],
)
def test_what_is_no_step_is_no_step(harm: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - NumPy's own words, which nobody is shown
        messages.opened(harm, 5)


def test_numbers_come_back_in_their_shapes() -> None:
    tensors = [torch.randn(3, 2), torch.randn(3), torch.zeros(0)]
    back = messages.shaped(messages.flat(tensors), tensors)
    for one, other in zip(tensors, back, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), float("-inf")])
def test_what_is_not_finite_is_no_sum(odd: float) -> None:
    tensors = [torch.tensor([1.0, odd])]
    with pytest.raises(ValueError, match="no numbers"):
        messages.shaped(messages.flat(tensors), tensors)


@pytest.mark.parametrize("length", [0, 4, 7, 12])
def test_more_or_fewer_numbers_are_no_sum(length: int) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        messages.shaped(bytes(length), [torch.zeros(2)])


def test_a_job_comes_back() -> None:
    assert messages.Job.unpacked(JOB.packed()) == JOB
