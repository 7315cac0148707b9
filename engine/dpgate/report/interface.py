"""What every report format is, how one is found, and which results it can show."""

from __future__ import annotations

from collections.abc import Collection
from importlib.metadata import entry_points
from typing import Protocol, TextIO, cast

from dpgate.errors import DpgateError, UsageError
from dpgate.model.values import Frozen

GROUP = "dpgate.reporters"


class Reporter(Protocol):
    """A member of the entry point group `dpgate.reporters`; made without arguments.

    Attributes:
        shows: what it can show, by the middle of a result's `schema`: `check`, `plan`, `plans` …;
            None for every result. Errors it shows of every verb.
    """

    @property
    def shows(self) -> Collection[str] | None:
        """See the class."""
        ...

    def result(self, result: Frozen, out: TextIO) -> None:
        """Write what a verb returned, one of those that it shows."""

    def error(self, error: DpgateError, out: TextIO, verb: str = "") -> None:
        """Write why a verb could not do its work.

        Args:
            error: why.
            out: where to.
            verb: the command; empty where it is not known.
        """


def get(name: str, verb: str | None = None) -> Reporter:
    """The reporter of that name.

    Args:
        name: a format.
        verb: what it will have to show, as in `Reporter.shows`.

    Raises:
        UsageError: there is none, or several; or it does not show that.
    """
    found = list(entry_points(group=GROUP, name=name))
    if len(found) != 1:
        raise UsageError(f"no single report format {name}", fix=_known(verb))
    reporter = cast("Reporter", found[0].load()())
    if not _can(reporter, verb):
        raise UsageError(f"format {name} cannot show {_command(verb)}", fix=_known(verb))
    return reporter


def names(verb: str | None = None) -> tuple[str, ...]:
    """Formats that can show what a verb returns, sorted; all without one."""
    found = entry_points(group=GROUP)
    return tuple(
        sorted({p.name for p in found if verb is None or _can(cast("Reporter", p.load()()), verb)})
    )


def _can(reporter: Reporter, verb: str | None) -> bool:
    return verb is None or reporter.shows is None or verb in reporter.shows


def _command(verb: str | None) -> str:
    """The command whose result it is."""
    return "plan" if verb == "plans" else (verb or "").replace("policy-", "policy ")


def _known(verb: str | None) -> str:
    of = f" of {_command(verb)}" if verb else ""
    return f"formats{of}: {', '.join(names(verb))}"
