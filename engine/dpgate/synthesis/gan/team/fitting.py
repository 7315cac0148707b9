"""A fit with a team around it. One of this process alone loads nothing of the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dpgate.errors import SynthesisError
from dpgate.synthesis.gan.trainer import Alone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dpgate.mechanisms.session import Mechanisms
    from dpgate.model.event import Event
    from dpgate.sources.interface import MarginalSource
    from dpgate.synthesis.gan.synthesizer import Trained, Trainer
    from dpgate.synthesis.interface import Model, Progress, Task
    from dpgate.synthesis.lazy import Fit


def require_distributed() -> None:
    """Refuses a torch by which processes cannot talk; asked before anything is spent.

    Raises:
        SynthesisError: it has no torch.distributed, or no Gloo.
    """
    from torch import distributed

    if not (distributed.is_available() and distributed.is_gloo_available()):
        raise SynthesisError(
            "this torch was built without torch.distributed or without Gloo",
            fix="training.processes: 1, or install a torch with them",
        )


def with_team(synthesizer: Trained, fit: Trainer) -> Fit:
    """A fit with as many processes as its task asks for."""

    def whole(
        task: Task,
        events: Sequence[Event],
        source: MarginalSource,
        mechanisms: Mechanisms,
        progress: Progress,
    ) -> Model:
        made = synthesizer.recipe(task)
        if made.processes == 1:
            return fit(task, events, source, mechanisms, progress, Alone())
        from dpgate.synthesis.gan.team.gather import gathered
        from dpgate.synthesis.gan.team.messages import Job

        with gathered(Job.of(synthesizer, task), made.processes, made.batch, progress) as team:
            return fit(task, events, source, mechanisms, progress, team)

    return whole
