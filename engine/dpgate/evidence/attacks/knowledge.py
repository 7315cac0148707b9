"""What an adversary knows, from public documents; free of NumPy."""

from __future__ import annotations

from collections.abc import Sequence

from dpgate.errors import EvidenceError
from dpgate.evidence.measures.interface import Scene
from dpgate.model.columns import OrdinalColumn


def known(scene: Scene, fewest: int, attack: str, without: Sequence[int] = ()) -> tuple[int, ...]:
    """Places in the domain of the columns that are known: those that are named, or quasi-identifiers.

    Args:
        scene: public documents.
        fewest: columns that the attack needs.
        attack: which it is, for the message.
        without: places that count as unknown all the same.

    Raises:
        EvidenceError: they are fewer, or one that is named is not learned.
    """
    names, columns = scene.domain.names, scene.dataset.spec.columns
    given = () if scene.threat_model is None else scene.threat_model.knows
    lost = [name for name in given if name not in names]
    if lost:
        raise EvidenceError(
            f"{attack}: {lost[0]} is no column that this release learns",
            fix="name released columns with a domain in threat_model.knows",
        )
    chosen = given or [n for n in names if getattr(columns.get(n), "quasi_identifier", False)]
    found = tuple(place for place in map(names.index, chosen) if place not in without)
    if len(found) < fewest:
        beside = " beside its target" if without else ""
        raise EvidenceError(
            f"{attack} needs {fewest} or more known columns{beside}, and there are {len(found)}",
            fix="name released columns in threat_model.knows, or quasi-identifiers in the dataset",
        )
    return found


def ordered(scene: Scene) -> tuple[bool, ...]:
    """For each column of the domain whether its cells lie on a line."""
    columns = scene.dataset.spec.columns
    return tuple(
        bool(column.lows) or isinstance(columns.get(column.name), OrdinalColumn)
        for column in scene.domain.columns
    )
