"""The course of a training: its steps, told one by one, and checkpoints along the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from dpgate.model.event import Event
from dpgate.model.values import plain
from dpgate.synthesis.independent.margins import Margins
from dpgate.synthesis.interface import Progress, Task

if TYPE_CHECKING:
    from dpgate.synthesis.gan.checkpoint import Array, Checkpoints

_PARTS = 10
"""After each of so many parts of a training a loss is told, and after all but the last a checkpoint is kept."""


@dataclass(frozen=True, kw_only=True)
class Course:
    """One attempt at a training, from its beginning or from a checkpoint on.

    Attributes:
        task: public; its promise is told.
        event: the steps of this attempt.
        progress: told about each of them.
        checkpoints: where the attempt keeps them, and where it begins; None: nowhere.
        margins: noisy one-way tables, which are measured once.
        networks: everything that is trained, by name.
        optimizers: that train it, by name.
    """

    task: Task
    event: Event
    progress: Progress
    checkpoints: Checkpoints | None
    margins: Margins
    networks: Mapping[str, nn.Module]
    optimizers: Mapping[str, torch.optim.Optimizer]

    def steps(self, loss: Callable[[], float]) -> Iterator[int]:
        """The number of each step, from 0 over all attempts; a step is told when it is done.

        Args:
            loss: mean of rows that the networks make up as they are now. It is no loss of a private row.

        Privacy:
            What is told follows from public documents (steps, noise, the ε that was planned) and,
            in the loss, from noisy weights.
        """
        before, times = self._begin(), self.event.times
        promise = self.task.promise
        planned = f", ε {plain(promise.epsilon)} planned" if promise is not None else ""
        after = f", after {before} of an earlier attempt" if before else ""
        stage = f"train · {times} steps, noise multiplier {plain(self.event.scale)}{after}{planned}"
        due = {-(-times * part // _PARTS) for part in range(1, _PARTS + 1)}
        for done in range(1, times + 1):
            yield before + done - 1
            if done in due:
                stage = (
                    f"train · step {done} of {times}{planned}, loss {loss():.3f} of made-up rows"
                )
            self.progress(stage, done / times)
            if self.checkpoints is not None and done in due and done < times:
                self.checkpoints.keep(done, self._state(before + done))

    def _begin(self) -> int:
        """Steps of earlier attempts; networks and optimizers are as they were then."""
        state = self.checkpoints.state if self.checkpoints is not None else None
        if state is None:
            return 0
        for name, network in self.networks.items():
            network.load_state_dict(_tensors(state, f"network.{name}."))
        for name, optimizer in self.optimizers.items():
            _restore(optimizer, _tensors(state, f"optimizer.{name}."))
        return int(state["done"])

    def _state(self, done: int) -> dict[str, Array]:
        """Everything that a later attempt needs, as plain arrays.

        Privacy:
            Follows from noisy gradients, noisy one-way tables and public values alone.
        """
        state: dict[str, Array] = {"done": np.array(done), "total": np.array(self.margins.total)}
        for place, shares in enumerate(self.margins.shares):
            state[f"shares.{place}"] = shares
        for name, network in self.networks.items():
            for key, value in network.state_dict().items():
                state[f"network.{name}.{key}"] = value.cpu().numpy()
        for name, optimizer in self.optimizers.items():
            for place, moments in optimizer.state_dict()["state"].items():
                for key, value in moments.items():
                    state[f"optimizer.{name}.{place}.{key}"] = value.cpu().numpy()
        return state


def kept_margins(state: Mapping[str, Array]) -> Margins:
    """The one-way tables of a checkpoint."""
    count = sum(name.startswith("shares.") for name in state)
    shares = tuple(state[f"shares.{place}"].astype(np.float64) for place in range(count))
    return Margins(shares=shares, total=float(state["total"]))


def _tensors(state: Mapping[str, Array], prefix: str) -> dict[str, torch.Tensor]:
    return {
        name.removeprefix(prefix): torch.from_numpy(value)
        for name, value in state.items()
        if name.startswith(prefix)
    }


def _restore(optimizer: torch.optim.Optimizer, kept: Mapping[str, torch.Tensor]) -> None:
    moments: dict[int, dict[str, torch.Tensor]] = {}
    for name, value in kept.items():
        place, key = name.split(".")
        moments.setdefault(int(place), {})[key] = value
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": moments, "param_groups": groups})
