"""What `recommend` returns."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from dpgate.gate.results import MarginalNoise, NoiseRow, ScopeRow
from dpgate.model.finding import Finding
from dpgate.model.values import Frozen, Recorded

Goal = Literal["tvd", "noise"]
"""`tvd`: expected total variation distance by noise, averaged over all marginals of an order.
`noise`: 95 % noise of an average cell, relative to the count it is expected to hold."""


class ColumnAdvice(Frozen):
    """One column: how finely it is counted, and how finely it could be."""

    name: str
    type: str
    cells: int
    expected: Recorded
    """Rows in an average cell of its average two-way marginal (one-way for a goal of order 1)."""
    bins: int | None
    """Fewer bins that would hold more than noise; null: leave it as it is."""


class Candidate(Frozen):
    """One synthesizer, and the ε at which its noise meets the goal."""

    synthesizer: str
    epsilon: Recorded | None
    """Rounded up to 2 decimals; null: not at any ε that was tried."""
    measures: tuple[str, ...]
    """Its mechanisms: how often each runs, and with what noise."""
    reason: str
    """Why it is out, if it is."""


class RecommendResult(Frozen):
    """A manifest that would meet a goal, and why. Model error is not included anywhere."""

    schema_: Annotated[Literal["dpgate.recommend/v1"], Field(alias="schema")] = (
        "dpgate.recommend/v1"
    )
    dataset: str
    population: str
    unit: str
    relation: str
    rows: int
    """Rows that the figures assume; public."""
    rows_at_most: int
    goal: Goal
    order: int
    at_most: Recorded
    columns: tuple[ColumnAdvice, ...]
    candidates: tuple[Candidate, ...]
    synthesizer: str
    epsilon: Recorded | None
    """ε of the whole release, evidence included; null: no synthesizer meets the goal."""
    delta: Recorded
    reached: Recorded
    """The goal's measure at that ε."""
    allowed: bool
    """Whether rules and budgets would let such a release through, approvals aside."""
    fits: Recorded | None
    """Where they would not: the highest ε that policy and budget leave; 0: none."""
    fits_reached: Recorded | None
    """The goal's measure at that ε; null where none fits."""
    epsilon_with_bins: Recorded | None
    """ε that would be enough with the bins that are advised; null where none are."""
    noise: tuple[NoiseRow, ...]
    marginals: tuple[MarginalNoise, ...]
    scopes: tuple[ScopeRow, ...]
    """Budgets before and after such a release."""
    scopes_delta: Recorded
    """δ of the policy, at which budgets are stated."""
    budget_note: str
    findings: tuple[Finding, ...]
    """What the rules of the policy say of the manifest."""
    manifest: str
    """Ready to paste; it is read and checked like any other."""
    next: str
