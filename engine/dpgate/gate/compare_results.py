"""What `compare` returns: several reports of evidence, number beside number."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from dpgate.model.values import Frozen, Recorded


class ComparedReport(Frozen):
    """One report: what it is about, and what it cost."""

    letter: str
    """What tables call it: A, B, …"""
    path: str
    """Where it was read."""
    name: str
    """`dataset/release`."""
    kind: Literal["release", "rehearsal"]
    outcome: str
    stand_in: str
    synthesizer: str
    rows: int
    columns: int
    epsilon: Recorded
    delta: Recorded
    relation: str
    unit: str
    person_epsilon: Recorded | None
    person_delta: Recorded | None
    rows_per_person: int
    unprotected_bits: int
    """Bits that no ε covers."""
    judged: int
    """Thresholds."""
    met: int
    sealed: int
    """Restricted results, whose values are not in it."""


class ComparedCell(Frozen):
    """One result of one report."""

    disclosure: Literal["public", "dp", "restricted"]
    value: Recorded | None
    """Null where it is sealed."""
    low: Recorded | None
    high: Recorded | None
    limit: Recorded | None
    passed: bool | None
    rho: Recorded | None
    best: bool = False
    """Whether its value is the best of its row."""
    close: bool = False
    """Whether its interval meets that of the best, which is another."""


class ComparedRow(Frozen):
    """One result, as far as each report has it."""

    metric: str
    title: str
    kind: Literal["utility", "attack", "output", "schema"]
    better: Literal["low", "high", "neither"]
    cells: tuple[ComparedCell | None, ...]
    """One for each report, null where it has no such result."""


class CompareResult(Frozen):
    """Several reports side by side."""

    schema_: Annotated[Literal["dpgate.compare/v1"], Field(alias="schema")] = "dpgate.compare/v1"
    reports: tuple[ComparedReport, ...]
    rows: tuple[ComparedRow, ...]
    comparable: bool
    """Whether values may be held against each other; where not, none is marked as best."""
    apart: tuple[str, ...]
    """Why not."""
    differences: tuple[str, ...]
    """What else differs, so that figures of ε do not mean the same."""
