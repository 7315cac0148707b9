"""Measures by the metric or the attack that they are for, ours and third parties', by entry points."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from functools import lru_cache, partial
from importlib.metadata import entry_points
from typing import Protocol, cast

from dpgate.errors import EvidenceError
from dpgate.evidence.exact.guarded import Guarded
from dpgate.evidence.measures.interface import Measure, Scene
from dpgate.model.release import ReleaseSpec
from dpgate.model.utility import Threshold

MEASURES = "dpgate.measures"
"""Group of what makes a measure from a threshold of `utility`, by its metric."""
ATTACKS = "dpgate.attacks"
"""Group of what makes a measure from the name of an attack, by what stands before its dot."""


class FromThreshold(Protocol):
    """A member of the group `dpgate.measures`."""

    def __call__(self, threshold: Threshold, scene: Scene, event: str) -> Measure:
        """The measure; `event` is what the names of its events begin with."""


class FromAttack(Protocol):
    """A member of the group `dpgate.attacks`."""

    def __call__(self, about: str | None, weight: Decimal, scene: Scene, event: str) -> Measure:
        """The measure of an attack; `about` is the column after its dot."""


Path = tuple[str | int, ...]
"""Where something stands below a manifest's `spec`."""


def makers(
    spec: ReleaseSpec, scene: Scene, table: str | None = None
) -> Iterator[tuple[Path, Callable[[], Measure]]]:
    """What makes each measure that a manifest asks for, and where it asks for it.

    Args:
        spec: of the manifest.
        scene: the public documents.
        table: which of two tables; None where there is one.
    """
    numbers: Counter[str] = Counter()
    for place, threshold in enumerate(spec.utility):
        if threshold.table == table and not threshold.restricted:
            event = _event(threshold, numbers)
            yield ("utility", place), partial(measure_of, threshold, scene, event)
    limits = {limit.attack: (place, limit.weight) for place, limit in enumerate(spec.attacks)}
    for name in spec.attacked:
        kind, _, about = name.partition(".")
        numbers[kind] += 1
        event = f"evidence.attack.{kind}" + (f"_{numbers[kind]}" if about else "")
        at, weight = limits.get(name, (None, Decimal(1)))
        path: Path = ("threat_model", "fears") if at is None else ("attacks", at, "attack")
        yield path, partial(attack_of, name, weight, scene, event)


def measures_of(spec: ReleaseSpec, scene: Scene, table: str | None = None) -> tuple[Measure, ...]:
    """Everything that a manifest measures on private data with noise, in its order.

    Args:
        spec: of the manifest.
        scene: the public documents.
        table: which of two tables; None where there is one.

    Raises:
        EvidenceError: a measure is not installed, or not for these columns.

    Privacy:
        Data-independent, and free of NumPy.
    """
    if not spec.privacy.evidence_share:
        return ()
    made = tuple(make() for _, make in makers(spec, scene, table))
    return made or tuple(_usual(scene, table))


def guarded(
    spec: ReleaseSpec, scene: Scene, table: str | None = None
) -> Iterator[tuple[Path, Guarded]]:
    """What a manifest's thresholds ask for that is computed without noise, and where."""
    for place, threshold in enumerate(spec.utility):
        if threshold.table == table and threshold.restricted:
            yield ("utility", place), Guarded(threshold=threshold, scene=scene)


def _event(threshold: Threshold, numbers: Counter[str]) -> str:
    """Names differ by order, or by a number among those of the metric."""
    metric = threshold.metric
    order = getattr(threshold, "order", None)
    if metric == "marginal_tvd":
        return f"evidence.tvd_{order}"
    numbers[metric] += 1
    return f"evidence.{metric}_{order or numbers[metric]}"


def _usual(scene: Scene, table: str | None) -> Iterable[Measure]:
    """What is measured where a manifest pays for evidence and names nothing."""
    from dpgate.model.utility import MarginalTvd

    for order in (1, 2):
        given = {"metric": "marginal_tvd", "order": order, "at_most": Decimal(0), "table": table}
        yield measure_of(MarginalTvd.model_validate(given), scene, f"evidence.tvd_{order}")


def measure_of(threshold: Threshold, scene: Scene, event: str) -> Measure:
    """The measure of one threshold.

    Args:
        threshold: measured with noise.
        scene: the public documents.
        event: what the names of its events begin with.

    Raises:
        EvidenceError: it is not installed, or not for these columns.
    """
    make = cast("FromThreshold", _loaded(MEASURES, threshold.metric))
    return make(threshold, scene, event)


def attack_of(name: str, weight: Decimal, scene: Scene, event: str) -> Measure:
    """The measure of one attack.

    Args:
        name: as manifests write it: `membership`, `attribute.health`.
        weight: its part of the budget for evidence, in proportion.
        scene: the public documents.
        event: what the names of its events begin with.

    Raises:
        EvidenceError: it is not installed, or not for these columns.
    """
    kind, _, about = name.partition(".")
    make = cast("FromAttack", _loaded(ATTACKS, kind))
    return make(about or None, weight, scene, event)


@lru_cache(maxsize=64)
def _loaded(group: str, name: str) -> object:
    found = tuple(entry_points(group=group, name=name))
    if len(found) != 1:
        what = "is claimed by several packages" if found else "is not installed"
        raise EvidenceError(
            f"evidence {name} {what}", fix="reinstall dpgate, or the package that brings it"
        )
    return found[0].load()
