"""What every report format is, and how one is found."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Protocol, TextIO, cast

from dpgate.errors import DpgateError, UsageError
from dpgate.model.values import Frozen

GROUP = "dpgate.reporters"


class Reporter(Protocol):
    """A member of the entry point group `dpgate.reporters`; made without arguments."""

    def result(self, result: Frozen, out: TextIO) -> None:
        """Write what a verb returned."""

    def error(self, error: DpgateError, out: TextIO) -> None:
        """Write why a verb could not do its work."""


def get(name: str) -> Reporter:
    """The reporter of that name.

    Raises:
        UsageError: there is none, or several.
    """
    found = list(entry_points(group=GROUP, name=name))
    if len(found) != 1:
        known = ", ".join(sorted({point.name for point in entry_points(group=GROUP)}))
        raise UsageError(f"no single report format {name}", fix=f"formats: {known}")
    return cast("Reporter", found[0].load()())
