"""Which synthesizers suit a release, and whether one can give what its manifest asks for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dpgate.errors import SynthesisError, UsageError
from dpgate.model.dataset import Dataset
from dpgate.model.event import Event
from dpgate.model.policy import PrivacyPolicy
from dpgate.model.release import ReleaseSpec
from dpgate.synthesis import registry
from dpgate.synthesis.interface import Synthesizer, Task

_TRAINER = "dp-tvae"
"""Of those that train, the more accurate one on Adult."""


def allowed(policy: PrivacyPolicy, dataset: Dataset, names: Iterable[str]) -> tuple[str, ...]:
    """Installed synthesizers that the policy allows for the class of every named column with a domain."""
    spec = dataset.spec
    classes = {spec.columns[name].sensitivity for name in spec.learned(names)}
    each = [
        set(policy.spec.classes[name].synthesizers)
        for name in classes
        if name in policy.spec.classes
    ]
    every = set.intersection(*each) if each else set()
    return tuple(name for name in registry.names() if name in every)


def trainer(
    policy: PrivacyPolicy, dataset: Dataset, names: Iterable[str], asked: str | None
) -> tuple[str, str]:
    """A synthesizer that trains a network, and why it if nobody named it.

    Raises:
        UsageError: the one that was named trains nothing.
    """
    if asked is not None:
        if not _trains(asked):
            raise UsageError(
                f"{asked} trains nothing, so there is no training to choose a quality of",
                fix=f"--with {_TRAINER} or dp-ctgan; or a goal for tables instead of --quality",
            )
        return asked, ""
    able = [name for name in allowed(policy, dataset, names) if _trains(name)]
    if not able:
        return _TRAINER, "the policy allows no synthesizer that trains for all of these columns"
    if _TRAINER in able:
        return _TRAINER, "of those that train, the more accurate one on Adult"
    return able[0], "it trains, and the policy allows it for all of these columns"


def _trains(name: str) -> bool:
    return bool(getattr(registry.get(name), "uses_training", False))


def require_used(spec: ReleaseSpec, synthesizer: Synthesizer) -> None:
    """Refuses a workload, a size or a training that the synthesizer would pass over in silence.

    Raises:
        SynthesisError: names the key.
    """
    made = spec.synthesize
    workload = getattr(synthesizer, "uses_workload", False)
    training = getattr(synthesizer, "uses_training", False)
    for key, given, used, others in (
        ("workload", spec.workload, workload, "aim"),
        ("synthesize.model_mebibytes", made and made.model_mebibytes, workload, "aim"),
        ("synthesize.training", made and made.training, training, "dp-tvae or dp-ctgan"),
    ):
        if given is not None and not used:
            raise SynthesisError(
                f"synthesizer {synthesizer.name} makes no use of {key}",
                fix=f"synthesize with {others}, or leave {key} out",
            )


def require_persons(synthesizer: Synthesizer, rows: int) -> None:
    """Refuses a synthesizer that plans from a promise to persons, and may train on their rows one by one.

    Args:
        synthesizer: that plans from (ε, δ).
        rows: that one person may have, all protected together; 1: rows are protected.

    Raises:
        SynthesisError: it does not say that it takes persons as a whole.
    """
    if rows > 1 and not getattr(synthesizer, "samples_persons", False):
        raise SynthesisError(
            f"{synthesizer.name} protects one row, and a person has up to {rows} here",
            fix="synthesize with mst or aim, or declare one row per person",
        )


def require_signal(
    synthesizer: Synthesizer, task: Task, events: Sequence[Event], rows: int
) -> None:
    """Refuses noise that drowns whatever the data holds.

    Args:
        synthesizer: that planned the events.
        task: public.
        events: of the synthesizer.
        rows: that the data may hold at most, a public bound.

    Raises:
        SynthesisError: on each count of one column the noise is as large as the whole data.
    """
    for row in synthesizer.noise(task, events):
        if row.order == 1 and row.half_width >= rows:
            raise SynthesisError(
                "epsilon is too small to learn anything: each count of one column is off by up to "
                f"{row.half_width:.0f}, the data has {rows} rows at most",
                fix="raise epsilon or delta, or release fewer columns",
            )
