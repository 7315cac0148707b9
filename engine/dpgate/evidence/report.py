"""What is reported about the evidence of a release or of a rehearsal: numbers with their classes.

Everything in it may be published. Of a release it holds public and dp results alone, and of restricted ones
that there are any; a rehearsal runs on a stand-in, whose exact numbers are public.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StrictInt, model_validator

from dpgate.model.values import Frozen, Recorded

Count = Annotated[StrictInt, Field(ge=0, le=10**15)]
Shares = Annotated[tuple[Recorded, ...], Field(max_length=400)]
"""Shares of rows, one for each label."""


class Interval(Frozen):
    """A number and what it may be; without noise all three are the same."""

    label: str = ""
    value: Recorded
    low: Recorded
    high: Recorded


class Shown(Frozen):
    """One result."""

    metric: str
    title: str
    """For people: `marginal tvd of order 2`, `mean visits by health`."""
    kind: Literal["utility", "attack", "output", "schema"]
    disclosure: Literal["public", "dp", "restricted"]
    value: Interval | None
    """None where it is sealed."""
    better: Literal["low", "high", "neither"]
    limit: Recorded | None = None
    """The manifest's threshold."""
    baseline: Recorded | None = None
    """What is reached without the release, such as by guessing, in the same unit."""
    passed: bool | None = None
    """Null where no threshold judges it."""
    rho: Recorded | None = None
    """ρ that it was charged, of `dp` results."""
    given: str = ""
    """What the interval takes as given, or covers."""
    parts: Annotated[tuple[Interval, ...], Field(max_length=200)] = ()
    details: tuple[str, ...] = ()


class Bars(Frozen):
    """One column: shares of rows by cell, neighbouring cells joined where there are many."""

    column: str
    title: str
    type: str
    labels: Annotated[tuple[str, ...], Field(max_length=400)]
    released: Shares
    reference: Shares | None = None
    """Of the stand-in; null for a release."""

    @model_validator(mode="after")
    def _even(self) -> Bars:
        for shares in (self.released, self.reference):
            if shares is not None and len(shares) != len(self.labels):
                raise ValueError("a share is needed for each label")
        return self


class Heat(Frozen):
    """Dependence of every pair of columns: Cramér's V, in [0, 1]."""

    columns: tuple[str, ...]
    released: tuple[tuple[Recorded, ...], ...]
    """One row of numbers for each column; the diagonal is 1."""
    reference: tuple[tuple[Recorded, ...], ...] | None = None
    """Of the stand-in; null for a release."""

    @model_validator(mode="after")
    def _square(self) -> Heat:
        for rows in (self.released, self.reference):
            if rows is not None and {len(rows), *map(len, rows)} - {len(self.columns)}:
                raise ValueError("a row and a number are needed for each column")
        return self


class Point(Frozen):
    """One place of a privacy-utility curve."""

    synthesizer: str
    epsilon: Recorded
    metric: str
    title: str
    better: Literal["low", "high"]
    value: Recorded
    """Mean over runs."""
    low: Recorded
    """Lowest run."""
    high: Recorded
    """Highest run."""
    runs: Count
    limit: Recorded | None = None
    """The manifest's threshold."""
    passed: bool | None = None
    """Whether every run met the manifest's threshold; null where there is none."""


class Curve(Frozen):
    """How results change with ε, over runs on a stand-in: it costs nothing and says nothing of the data."""

    stand_in: str
    """What the rows were."""
    points: tuple[Point, ...]


class Made(Frozen):
    """What the evidence is about."""

    name: str
    """`dataset/release`."""
    title: str
    kind: Literal["release", "rehearsal"]
    stand_in: str = ""
    """Of a rehearsal: what stood in for the private data."""
    synthesizer: str
    rows: Count
    columns: Count
    epsilon: Recorded
    delta: Recorded
    relation: str
    unit: str
    person_epsilon: Recorded | None = None
    person_delta: Recorded | None = None
    rows_per_person: Count = 1
    unprotected_bits: Count = 0
    """Bits that restricted gates let out, which no ε covers."""
    evidence_share: Recorded
    """Part of the ρ that evidence spent."""
    adversary: str = ""
    knows: tuple[str, ...] = ()
    outcome: str = ""
    """`released`, `gate-failed`; of a rehearsal whether thresholds were met."""


class EvidenceReport(Frozen):
    """Evidence as data; `dpgate.evidence.page` shows it."""

    schema_: Annotated[Literal["dpgate.evidence/v1"], Field(alias="schema")] = "dpgate.evidence/v1"
    made: Made
    results: tuple[Shown, ...]
    bars: tuple[Bars, ...]
    heat: Heat | None = None
    curve: Curve | None = None
    notes: tuple[str, ...] = ()
    """What a reader must know."""
