"""Progress of long work, on standard error: bars in a terminal, one line a stage elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

_TITLES = {
    "judge": "verify the ledger",
    "reserve": "reserve the cost (pushed before the data is opened)",
    "open": "open the data",
    "evidence": "measure evidence",
    "stage": "stage the files",
    "model": "read the model",
    "record": "record the draw (pushed before anything is promoted)",
    "settle": "settle (pushed before anything is promoted)",
    "promote": "promote the files",
}


@contextmanager
def stages() -> Iterator[Callable[[str, float], None]]:
    """A progress callback that shows stages, with time and fraction in a terminal."""
    if not sys.stderr.isatty():
        yield _Lines().tell
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

    bars = Progress(
        TextColumn("{task.description}"),
        BarColumn(24),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    )
    tasks: dict[str, TaskID] = {}

    def tell(told: str, fraction: float) -> None:
        stage = told.partition(" · ")[0]
        for name, task in tasks.items():
            if name != stage:
                bars.update(task, completed=1.0)
        if stage not in tasks:
            tasks[stage] = bars.add_task("", total=1.0)
        bars.update(tasks[stage], completed=fraction, description=_TITLES.get(told, told))

    with bars:
        yield tell
        for task in tasks.values():
            bars.update(task, completed=1.0)


class _Lines:
    """One line when a stage begins, or has something new to tell."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def tell(self, stage: str, fraction: float) -> None:  # noqa: ARG002 - a line has no bar
        if stage not in self._seen:
            self._seen.add(stage)
            click.echo(f"… {_TITLES.get(stage, stage)}", err=True)
