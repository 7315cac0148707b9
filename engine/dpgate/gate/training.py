"""What a training is to be expected to do, said before it is paid for: from public values alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Protocol, runtime_checkable

from dpgate.accounting.rounding import significant_up
from dpgate.errors import SynthesisError
from dpgate.gate.product import Shortfall
from dpgate.model.event import Event
from dpgate.model.values import plain, short
from dpgate.synthesis.gan.plan import Recipe, noise_to_signal
from dpgate.synthesis.gan.team.elsewhere import elsewhere
from dpgate.synthesis.gan.team.lengths import require_sendable
from dpgate.synthesis.interface import Synthesizer, Task

WEAK, DROWNED = 2.0, 20.0
"""Noise of a step relative to the largest sum of a full batch: a warning above the first, a refusal
above the second. On Adult both synthesizers learned at 0.3 to 0.9."""

_PASSES = 100
"""Records of all steps together, over the bound: more passes over the data buy noise, not knowledge."""


@runtime_checkable
class Trains(Protocol):
    """A synthesizer that trains a network by DP-SGD."""

    @property
    def training(self) -> str:
        """Name of the event of the training."""

    def recipe(self, task: Task) -> Recipe:
        """The training of a task, defaults filled in."""

    def trained(self, task: Task) -> int:
        """How many numbers are trained on private rows."""


def findings(
    synthesizer: Synthesizer, task: Task, events: Sequence[Event]
) -> tuple[Shortfall, ...]:
    """What the numbers of a planned training say of it; nothing of other synthesizers.

    Args:
        synthesizer: that planned it.
        task: public.
        events: of the release.
    """
    if not isinstance(synthesizer, Trains):
        return ()
    event = next(event for event in events if event.name == synthesizer.training)
    return tuple(_found(event, synthesizer.recipe(task), synthesizer.trained(task), task))


def require_trainable(synthesizer: Synthesizer, task: Task, events: Sequence[Event]) -> None:
    """Refuses a training whose noise drowns whatever the data holds.

    Raises:
        SynthesisError: with the numbers, and what to change.
    """
    if not isinstance(synthesizer, Trains):
        return
    event = next(event for event in events if event.name == synthesizer.training)
    made, trained = synthesizer.recipe(task), synthesizer.trained(task)
    if noise_to_signal(event, made, trained) > DROWNED:
        bound = task.rows_at_most or 0
        raise SynthesisError(
            f"the training would learn nothing: {_numbers(event, made, trained, bound)}",
            fix=_mending(event, made, trained, bound),
        )


def require_processes(synthesizer: Synthesizer, task: Task) -> None:
    """Refuses processes that could not come together; asked before anything is spent.

    Raises:
        SynthesisError: see `elsewhere`, `fitting` and `lengths` of `dpgate.synthesis.gan.team`.
    """
    if not isinstance(synthesizer, Trains):
        return
    made = synthesizer.recipe(task)
    if made.processes > 1:
        require_sendable(made, len(task.domain), synthesizer.trained(task))
        elsewhere(made.processes)
        from dpgate.synthesis.gan.team.fitting import require_distributed  # loads torch

        require_distributed()


def summary(synthesizer: Synthesizer, task: Task, events: Sequence[Event]) -> str:
    """A planned training in numbers; empty for other synthesizers."""
    if not isinstance(synthesizer, Trains):
        return ""
    event = next(event for event in events if event.name == synthesizer.training)
    made = synthesizer.recipe(task)
    return _numbers(event, made, synthesizer.trained(task), task.rows_at_most or 0)


def _found(event: Event, made: Recipe, trained: int, task: Task) -> Iterator[Shortfall]:
    ratio = noise_to_signal(event, made, trained)
    bound = task.rows_at_most or 0
    passes = event.times * made.batch / bound
    if ratio > WEAK:
        yield Shortfall(
            rule="training-weak",
            level="warn",
            message=f"the training will learn little: {_numbers(event, made, trained, bound)}",
            fix=_mending(event, made, trained, bound),
            path=("synthesize", "with"),
        )
    if passes > _PASSES:
        yield Shortfall(
            rule="training-weak",
            level="warn",
            message=f"{event.times} steps pass over the data {_figure(passes)} times",
            fix=f"training.steps: {max(1, _PASSES * bound // made.batch)} or fewer",
            path=("synthesize", "with"),
        )


def _numbers(event: Event, made: Recipe, trained: int, bound: int) -> str:
    passes = event.times * made.batch / bound
    team = f"; {made.processes} processes compute gradients" if made.processes > 1 else ""
    return (
        f"{event.times} steps, batch {made.batch} of at most {bound} {made.records} "
        f"(rate {short(made.rate)}, "
        f"{_figure(passes)} passes), noise multiplier {plain(event.scale)}; {trained} weights see rows, "
        f"and the noise of a step is {_figure(noise_to_signal(event, made, trained))} times the largest "
        f"sum that a full batch can have{team}"
    )


def _mending(event: Event, made: Recipe, trained: int, bound: int) -> str:
    """Ways to more signal, each with its number where one is known."""
    ways = []
    if made.batch < bound:
        larger = min(bound, made.batch * 4)
        ways.append(f"training.batch: {larger} (noise grows more slowly than the batch)")
    if event.times > 100:
        ways.append(f"training.steps: {max(100, event.times // 4)}")
    if made.width > 32:
        fewer = trained * 32 // made.width
        ways.append(f"training.width: 32 (about {fewer} weights)")
    ways.append("a higher epsilon; or mst or aim, which measure tables instead")
    return "; or ".join(ways)


def _figure(value: float) -> str:
    return plain(significant_up(Decimal(value), 2))
