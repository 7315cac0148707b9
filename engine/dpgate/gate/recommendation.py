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


class TrainingNumbers(Frozen):
    """A training that was chosen, and what it comes to: public numbers, planned as `plan` plans them."""

    steps: int
    batch: int
    """Records of a step on average."""
    records: Literal["rows", "persons"]
    """What is sampled."""
    rate: Recorded
    """Sampling rate: the batch over the public bound on rows."""
    passes: Recorded
    """Records of all steps together, over the bound."""
    width: int
    latent: int
    learning_rate: Recorded
    clip: Recorded
    noise_multiplier: Recorded
    """Noise of a step in units of the clipping norm."""
    weights: int
    """Numbers that are trained on private rows."""
    noise_to_signal: Recorded
    """Norm of a step's noise over that of the largest sum that a full batch can have."""


class OnAdult(Frozen):
    """What was measured on Adult at ε=3, δ=1e-9: benchmarks/README.md."""

    what: str
    trains: bool
    """Whether it is a network, at the quality that was asked for."""
    error: Recorded
    """Mean two-way total variation distance; less is better."""
    auc: Recorded
    """Area under the ROC curve of a classifier trained on the rows; more is better."""
    seconds: Recorded
    """Of one core, for the fit."""


class TrainingRecommendation(Frozen):
    """A manifest that trains a network to a quality, at an ε that was given or that fits."""

    schema_: Annotated[Literal["dpgate.recommend-training/v1"], Field(alias="schema")] = (
        "dpgate.recommend-training/v1"
    )
    dataset: str
    population: str
    unit: str
    relation: str
    rows: int
    """Rows out; public."""
    rows_at_most: int
    columns: tuple[str, ...]
    cells: int
    """Of all columns together: what a network reads of a row."""
    synthesizer: str
    why: str
    """Why this synthesizer, if none was named."""
    quality: str
    asked: Recorded
    """ε of the manifest."""
    epsilon_note: str
    """Where ε is from, if it was not given."""
    delta: Recorded
    training: TrainingNumbers | None
    """Null where none can be planned; `findings` say why."""
    reasons: tuple[str, ...]
    """Where the training departs from the quality's own numbers, so that noise leaves something to learn."""
    summary: str
    """The training as `plan` and `check` tell it."""
    epsilon: Recorded | None
    """What the release costs, evidence included, as `plan` states it; at most `asked`."""
    on_adult: tuple[OnAdult, ...]
    """Both networks at this quality, and synthesizers that measure tables; the least error first."""
    allowed: bool
    """Whether rules and budgets would let such a release through, approvals aside."""
    fits: Recorded | None
    """Where they would not: the highest ε that policy and budget leave; 0: none."""
    scopes: tuple[ScopeRow, ...]
    """Budgets before and after such a release."""
    scopes_delta: Recorded
    """δ of the policy, at which budgets are stated."""
    budget_note: str
    findings: tuple[Finding, ...]
    manifest: str
    """Ready to paste; it is read and checked like any other."""
    next: str
