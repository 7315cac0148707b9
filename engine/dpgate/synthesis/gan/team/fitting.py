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
        try:
            from dpgate.synthesis.gan.team.gather import gathered
            from dpgate.synthesis.gan.team.messages import Job
        except ImportError:
            raise SynthesisError(
                "this torch was built without torch.distributed; the training's cost is spent",
                fix="training.processes: 1, or install a torch with it",
            ) from None
        with gathered(Job.of(synthesizer, task), made.processes, made.batch, progress) as team:
            return fit(task, events, source, mechanisms, progress, team)

    return whole
