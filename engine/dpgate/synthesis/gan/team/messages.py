"""What rank 0 and a worker tell each other: a job of public values, then weights, rows and sums."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from dpgate.synthesis.gan.rows import Codes
    from dpgate.synthesis.gan.synthesizer import Trained
    from dpgate.synthesis.interface import Task

VERSION = metadata.version("dpgate")
DISMISSED = b"D"
_STEP = b"S"
_HEAD = struct.Struct("<QB")
_SIZE = struct.Struct("<Q")


@dataclass(frozen=True, kw_only=True)
class Job:
    """What a worker is to compute, from public values alone.

    Attributes:
        synthesizer: by name; its losses are.
        widths: of each network that is trained on private rows.
        sizes: how many cells each column has.
        clip: largest norm of a row's gradient.
        at_once: rows whose gradients are computed together.
        person_rows: most rows of one person, where a record is a person; None: it is a row.
        version: of dpgate.
    """

    synthesizer: str
    widths: tuple[tuple[int, ...], ...]
    sizes: tuple[int, ...]
    clip: float
    at_once: int
    person_rows: int | None = None
    version: str = VERSION

    @classmethod
    def of(cls, synthesizer: Trained, task: Task) -> Job:
        """Of a training."""
        made = synthesizer.recipe(task)
        return cls(
            synthesizer=synthesizer.name,
            widths=synthesizer.widths(task),
            sizes=tuple(task.domain.sizes),
            clip=made.clip,
            at_once=made.at_once,
            person_rows=made.person_rows,
        )

    def packed(self) -> bytes:
        """As a message."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def unpacked(cls, message: bytes) -> Job:
        """From a message."""
        told = json.loads(message)
        told["widths"] = tuple(tuple(sizes) for sizes in told["widths"])
        told["sizes"] = tuple(told["sizes"])
        return cls(**told)


def step(weights: bytes, cells: Codes, rows: int) -> bytes:
    """A step as a message.

    Args:
        weights: of `flat`.
        cells: rows of a worker's part, whatever shape each has.
        rows: the length of a message is that of so many, or of the next multiple.

    Privacy:
        Its length follows from public values, unless the sample is larger than almost ever.
    """
    each = cells.shape[1:]
    size = 2 * math.prod(each)
    filled = max(1, math.ceil(len(cells) / rows)) * rows
    head = _HEAD.pack(len(cells), len(each)) + b"".join(_SIZE.pack(n) for n in each)
    return b"".join(
        (_STEP, head, weights, cells.astype("<u2").tobytes(), bytes((filled - len(cells)) * size))
    )


def opened(message: bytes, weights: int) -> tuple[bytes, Codes]:
    """Weights and rows of a step.

    Args:
        message: of `step`.
        weights: how many there are.

    Raises:
        ValueError: it is no step.
    """
    if message[:1] != _STEP:
        raise ValueError("no step")
    try:
        count, more = _HEAD.unpack_from(message, 1)
        at = 1 + _HEAD.size
        each = [_SIZE.unpack_from(message, at + 8 * place)[0] for place in range(more)]
    except struct.error:
        raise ValueError("no step") from None
    at += 8 * more
    rows = np.frombuffer(message, "<u2", count * math.prod(each), at + 4 * weights)
    return message[at : at + 4 * weights], rows.reshape(count, *each).astype(np.uint16)


def flat(tensors: Sequence[Tensor]) -> bytes:
    """Tensors as single-precision numbers, one after the other."""
    joined = torch.cat([tensor.detach().flatten() for tensor in tensors])
    return joined.cpu().numpy().astype("<f4").tobytes()


def shaped(numbers: bytes, like: Sequence[Tensor]) -> list[Tensor]:
    """Numbers of `flat` in the shapes of tensors, where those are.

    Raises:
        ValueError: they are more or fewer, or one is not finite.
    """
    joined = torch.from_numpy(np.frombuffer(numbers, "<f4").astype(np.float32))
    if len(joined) != sum(tensor.numel() for tensor in like) or not joined.isfinite().all():
        raise ValueError("no numbers")
    parts = torch.split(joined, [tensor.numel() for tensor in like])
    return [part.reshape(tensor.shape).to(tensor) for part, tensor in zip(parts, like, strict=True)]
