"""Releases of statistics over the made-up dataset of `worlds`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from dpgate.accounting.calibrate import budget_for
from dpgate.mechanisms.session import Mechanisms
from dpgate.mechanisms.tape import UnsafeTape
from dpgate.model.event import Event
from dpgate.model.release import Release
from dpgate.sources.arrow import table_source
from dpgate.statistics.measure import measure
from dpgate.statistics.plan import plan
from dpgate.statistics.table import Answer
from dpgate.statistics.task import Task, task_of
from tests.suites import worlds

QUERIES: tuple[dict[str, Any], ...] = (
    {"name": "rows", "type": "count"},
    {"name": "table", "type": "count", "by": ("job", "grade", "smokes")},
    {"name": "cut", "type": "count", "by": ("income",), "nonnegative": True},
    {"name": "ages", "type": "sum", "of": "age"},
    {"name": "incomes", "type": "sum", "of": "income", "by": ("job",)},
    {"name": "coarse", "type": "sum", "of": "income", "decimals": 0, "by": ("grade", "smokes")},
    {"name": "mean_age", "type": "mean", "of": "age", "by": ("smokes",), "weight": Decimal(3)},
    {"name": "mean_income", "type": "mean", "of": "income"},
    {"name": "mean_by_itself", "type": "mean", "of": "income", "by": ("income",)},
    {"name": "quartiles", "type": "quantiles", "of": "income", "at": (Decimal("0.25"), Decimal("0.5"))},
    {"name": "deciles", "type": "quantiles", "of": "age", "at": (Decimal("0.9"),), "by": ("grade",)},
    {"name": "jobs", "type": "top", "of": "job", "k": 2},
    {"name": "grades", "type": "top", "of": "grade", "k": 1},
)  # fmt: skip
"""Every kind, with and without groups, over columns with and without missing values."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """What one measurement did."""

    task: Task
    events: tuple[Event, ...]
    spent: tuple[Event, ...]
    answers: tuple[Answer, ...]
    stages: list[tuple[str, float]]

    def answer(self, name: str) -> list[dict[str, Any]]:
        """The lines of one query."""
        found = next(a for a in self.answers if a.ask.query.name == name)
        lines: list[dict[str, Any]] = found.table.to_pylist()
        return lines


def release(
    queries: Sequence[dict[str, Any]] = QUERIES, *, noise: str = "gaussian", delta: str = "1e-9"
) -> Release:
    """A manifest."""
    return Release.model_validate(
        {
            "apiVersion": "dpgate/v1",
            "kind": "Release",
            "metadata": {"name": "numbers", "owner": "tests"},
            "spec": {
                "dataset": "made-up",
                "purpose": "tests",
                "recipients": ("tests",),
                "regions": ("US",),
                "columns": tuple(worlds.COLUMNS),
                "statistics": {"noise": noise, "queries": tuple(queries)},
                "privacy": {"epsilon": Decimal(1), "delta": Decimal(delta)},
                "retention": {"expires": "2027-01-01"},
            },
        }
    )


def task(
    queries: Sequence[dict[str, Any]] = QUERIES,
    *,
    relation: str = "add-remove",
    noise: str = "gaussian",
) -> Task:
    """Queries over `worlds`."""
    return task_of(worlds.dataset(relation), release(queries, noise=noise))


def run(
    asked: Task,
    rows: list[worlds.Row],
    *,
    epsilon: str = "1",
    delta: str = "1e-9",
    tape: UnsafeTape | None = None,
) -> Run:
    """Plans and measures on rows of `worlds`."""
    events = plan(asked, budget_for(Decimal(epsilon), Decimal(delta)))
    mechanisms = Mechanisms(events, asked.relation, tape=tape)
    stages: list[tuple[str, float]] = []
    answers = measure(
        asked,
        events,
        table_source(worlds.table(rows), asked.domain),
        mechanisms,
        lambda stage, done: stages.append((stage, done)),
    )
    return Run(task=asked, events=events, spent=mechanisms.spent, answers=answers, stages=stages)
