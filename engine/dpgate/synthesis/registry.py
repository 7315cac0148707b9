"""Synthesizers by name, ours and third parties', through entry points."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from itertools import groupby
from typing import cast

from dpgate.errors import MissingExtraError, SynthesisError
from dpgate.synthesis.interface import Synthesizer

GROUP = "dpgate.synthesizers"

_REFUSED = {
    "smartnoise-dpctgan": "it spends more than it is asked to, and its model holds every raw row",
    "smartnoise-patectgan": "its student trains on the raw data",
}
"""Synthesizers that claim privacy and do not have it, with what was found."""


def names() -> tuple[str, ...]:
    """Names of the synthesizers that are installed."""
    return tuple(sorted({point.name for point in entry_points(group=GROUP)}))


def get(name: str) -> Synthesizer:
    """The synthesizer of that name.

    Raises:
        SynthesisError: it is refused, unknown, claimed twice, or cannot be loaded.
    """
    if name in _REFUSED:
        raise SynthesisError(
            f"synthesizer {name} is refused: {_REFUSED[name]}", fix=_one_of(names())
        )
    return _loaded(name, list(entry_points(group=GROUP, name=name)))


def _loaded(name: str, found: list[EntryPoint]) -> Synthesizer:
    if len(found) != 1:
        what = "is claimed by several packages" if found else "is not installed"
        raise SynthesisError(f"synthesizer {name} {what}", fix=_one_of(names()))
    try:
        return cast("Synthesizer", found[0].load()())
    except Exception as error:
        raise SynthesisError(
            f"synthesizer {name} cannot be loaded: {type(error).__name__}",
            fix=f"reinstall the package that brings {found[0].value}",
        ) from error


def require(synthesizer: Synthesizer) -> None:
    """Raise unless the packages that a fit needs are there; asked before anything is spent.

    A synthesizer that needs more than the extra `synth` names its `extra` and, in `packages`,
    what that brings.

    Raises:
        MissingExtraError: one is not installed.
    """
    packages = getattr(synthesizer, "packages", ())
    if any(find_spec(package) is None for package in packages):
        extra = getattr(synthesizer, "extra", "synth")
        raise MissingExtraError(extra=extra, what=f"the {synthesizer.name} synthesizer")


def proofs() -> dict[str, str]:
    """Kind of proof of every synthesizer that is installed, by name."""
    points = sorted(entry_points(group=GROUP), key=lambda point: point.name)
    groups = groupby(points, key=lambda point: point.name)  # one look at what is installed
    return {name: _loaded(name, list(found)).proof for name, found in groups}


def _one_of(known: tuple[str, ...]) -> str:
    return f"use one of: {', '.join(known)}" if known else "install dpgate with its entry points"
