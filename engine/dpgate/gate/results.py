"""What each verb returns: frozen, typed, and the same in JSON (`schema` names shape and version)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from dpgate.gate.evidence_rows import EvidenceRow
from dpgate.gate.second_table import SecondTable
from dpgate.gate.tighter import TighterEpsilon
from dpgate.gate.waiver_results import WaiverRow
from dpgate.model.finding import Finding
from dpgate.model.policy import GithubReviews
from dpgate.model.rule import Enforcement
from dpgate.model.values import Frozen, Recorded


class RuleRow(Frozen):
    """A rule that was judged, as a report introduces it."""

    id: str
    title: str
    """What holds where it is satisfied."""
    help: str = ""
    enforcement: Enforcement = "hard"
    about: Literal["release", "documents"] = "release"
    """`documents`: judged once, of policy and request."""
    dataset: str = ""
    """The dataset that brings it; empty for the organization's and dpgate's own."""


class CheckResult(Frozen):
    """What `check` found."""

    schema_: Annotated[Literal["dpgate.check/v1"], Field(alias="schema")] = "dpgate.check/v1"
    allowed: bool
    documents: int
    """Documents that were read."""
    releases: tuple[str, ...]
    """Manifests that were judged."""
    findings: tuple[Finding, ...]
    waivers: tuple[WaiverRow, ...] = ()
    """Those for the manifests that were judged; `plan` judges their signatures."""
    rules: tuple[RuleRow, ...] = ()
    """Rules that were judged, those that everything satisfies too."""
    later: tuple[str, ...] = ()
    """Ids of rules about budgets, history or approvals: `plan` judges by them."""
    trainings: tuple[str, ...] = ()
    """Of each manifest that trains a network: its ε and the numbers of its training."""

    @property
    def exit_code(self) -> int:
        """What the command ends with."""
        return 0 if self.allowed else 1


class ScopeRow(Frozen):
    """One budget, before and after."""

    key: str
    title: str
    before: Recorded
    this: Recorded
    """What the composition grows by; less than the release's own ε."""
    after: Recorded
    limit: Recorded
    remaining: Recorded
    """Rounded down; 0 where the release does not fit."""
    fits: bool


class NoiseRow(Frozen):
    """Noise of one kind of marginal, in records."""

    order: int
    half_width: Recorded
    """95 % half width per cell, if that marginal is measured. Model error is not included."""
    table: str | None = None
    """Which of two tables."""


class QueryNoise(Frozen):
    """Noise of one query's answers."""

    query: str
    what: str
    """Which of its numbers, and under which condition: `each count`, `mean of 1000 visits`."""
    half_width: Recorded
    """Of the 95 % interval that the noise alone implies."""
    unit: str


class MarginalNoise(Frozen):
    """Noise of one marginal if it is measured. Model error is not included."""

    columns: tuple[str, ...]
    named: bool
    """Whether the manifest's workload names this very table."""
    cells: int
    records: Recorded
    """Expected number of records that noise puts in a wrong cell: half the sum of |noise|."""
    records_95: Recorded
    """What that number stays below with 95 % probability."""
    tvd: Recorded
    """`records` as a share of `rows_at_most`: the expected total variation distance between the
    measured table and the true one. With half as many rows it is twice as much."""
    tvd_95: Recorded
    """`records_95` as the same share."""
    table: str | None = None
    """Which of two tables; each is relative to its own bound on rows."""


AUTHOR = "author"


class ApprovalRow(Frozen):
    """One role's approvals; or, where the policy separates duties, the author's signature."""

    role: str
    """`author` for the author's signature."""
    needed: int
    have: int
    by: tuple[str, ...]
    """Fingerprints of the keys that count."""
    until: str = ""
    """The first day after which fewer of them count; empty where none counts or none expires."""
    days_left: int | None = None
    """From today until then; 0: today is the last day."""


class Rejected(Frozen):
    """An approval that does not count, and why."""

    path: str
    reason: str


class RefusalRow(Frozen):
    """Somebody's No, for these very bytes."""

    role: str
    by: str
    """Fingerprint of the key."""
    reason: str
    path: str


class Open(Frozen):
    """A reservation that nothing has closed."""

    entry: int
    release: str
    attempt: int


class SeriesRow(Frozen):
    """One earlier release of a series."""

    release: str
    period: str
    """Empty for a first one that named none."""
    attempts: int
    epsilon: Recorded
    """ε of one attempt alone."""


class Series(Frozen):
    """The releases that an increment continues."""

    period: str
    """Of this release."""
    rows: tuple[SeriesRow, ...]
    epsilon: Recorded
    """Of all their attempts and this release together, composed, at the policy's δ."""


class PlanResult(Frozen):
    """What a release would cost, and what it still needs."""

    schema_: Annotated[Literal["dpgate.plan/v1"], Field(alias="schema")] = "dpgate.plan/v1"
    release: str
    verdict: Literal["ready", "waiting", "denied", "released", "withdrawn"]
    """`waiting`: only approvals are missing."""
    delta: Recorded
    """δ of the policy, at which every budget is stated."""
    orders: tuple[int, ...]
    scopes: tuple[ScopeRow, ...]
    epsilon: Recorded
    """ε of this release alone, by OpenDP, at `release_delta`."""
    claimed_epsilon: Recorded | None = None
    """The same if a foreign program cost what it says of itself; null where none runs."""
    release_delta: Recorded
    relation: str
    unit: str
    """What is protected."""
    row: str
    """What one row is; the same as `unit` unless persons are protected."""
    rows_per_person: int
    truncated: bool
    """Whether a person's rows beyond the bound are left out."""
    person_epsilon: Recorded
    """ε of this release alone for a person with that many rows, at the policy's δ."""
    row_epsilon: Recorded
    """ε of this release alone for one unit, at the policy's δ by the policy's orders."""
    noise: tuple[NoiseRow | QueryNoise, ...]
    """Of marginals, or of each query."""
    marginals: tuple[MarginalNoise, ...]
    """Every one-way marginal, the 300 two-way ones with the most cells, and those that the workload
    names. Where tables are measured in rounds, as in the first and loudest one."""
    training: str = ""
    """The numbers of a training by DP-SGD, if the release trains a network."""
    tighter: TighterEpsilon | None = None
    """For information; null where nothing is trained, or the extra `gan` is missing, or nothing tighter is known."""
    rows_at_most: int
    """Public bound on the rows of the data, which `tvd` is relative to."""
    evidence_share: Recorded
    evidence: tuple[EvidenceRow, ...] = ()
    """What the attempt measures of its own rows, and how precisely."""
    unprotected_bits: int = 0
    """Bits that thresholds without noise let out; no ε of this plan covers them."""
    approvals: tuple[ApprovalRow, ...]
    rejected: tuple[Rejected, ...]
    refusals: tuple[RefusalRow, ...] = ()
    """Refusals in force; each denies."""
    reviews: tuple[GithubReviews, ...] = ()
    """Reviews on GitHub that the release job will ask for as well; a plan cannot see them."""
    findings: tuple[Finding, ...]
    waivers: tuple[WaiverRow, ...] = ()
    """Those for this release in the work tree."""
    attempts: int
    """Attempts that were made, all spent."""
    open: tuple[Open, ...]
    entry: int | None
    """Ledger entry that released it, if it was."""
    joined: SecondTable | None = None
    """Null where there is one table."""
    series: Series | None = None
    """What this release continues, if its manifest says so."""
    policy_note: str
    """Says so if the work tree's policy is not the adopted one."""
    rules: tuple[RuleRow, ...] = ()
    """Rules that were judged, those that it satisfies too; in `dpgate.plans/v1` they stand once."""
    next: str

    @property
    def exit_code(self) -> int:
        """What the command ends with."""
        return 0 if self.verdict in ("ready", "released") else 1


class PlansResult(Frozen):
    """Plans of several releases, on one ledger at one moment."""

    schema_: Annotated[Literal["dpgate.plans/v1"], Field(alias="schema")] = "dpgate.plans/v1"
    changed_since: str = ""
    """Reference that the releases changed since; empty where they were named, or all."""
    plans: tuple[PlanResult, ...]
    """Each as if it were released next; none knows of the others."""
    delta: Recorded
    """δ of the policy, at which every budget is stated."""
    together: tuple[ScopeRow, ...] = ()
    """Budgets if all that are not denied were released; empty for less than two."""
    rules: tuple[RuleRow, ...] = ()

    @property
    def exit_code(self) -> int:
        """What the command ends with: 0 if every one may run now, or has run."""
        return max((plan.exit_code for plan in self.plans), default=0)


class ApproveResult(Frozen):
    """An approval that was written."""

    schema_: Annotated[Literal["dpgate.approve/v1"], Field(alias="schema")] = "dpgate.approve/v1"
    subject: str
    role: str
    key: str
    path: str
    expires: str
    attempts: int
    waivers: tuple[WaiverRow, ...] = ()
    """Those that it accepts with the release."""
    lifts: int = 0
    """How many refusals by the same key it takes back."""
    next: str


class ReleaseResult(Frozen):
    """How an attempt ended."""

    schema_: Annotated[Literal["dpgate.release/v1"], Field(alias="schema")] = "dpgate.release/v1"
    release: str
    outcome: Literal["released", "gate-failed", "denied", "already-released"]
    reserve: int | None = None
    settle: int | None = None
    artifacts: tuple[dict[str, str], ...] = ()
    folder: str = ""
    evidence: tuple[dict[str, Any], ...] = ()
    failures: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """What a reader of the ledger may miss, and how to mend it."""
    plan: PlanResult | None = None
    next: str = ""

    @property
    def exit_code(self) -> int:
        """What the command ends with."""
        return 0 if self.outcome in ("released", "already-released") else 1


class SampleResult(Frozen):
    """Rows that were drawn again from a kept model."""

    schema_: Annotated[Literal["dpgate.sample/v1"], Field(alias="schema")] = "dpgate.sample/v1"
    release: str
    entry: int
    """Ledger entry that records the draw."""
    settle: int
    """Ledger entry that settled the release."""
    rows: int
    where: tuple[str, ...]
    balance: str
    representative: bool
    """False where rows were chosen by conditions, or balanced."""
    recipients: tuple[str, ...]
    artifacts: tuple[dict[str, str], ...]
    folder: str
    next: str


class Step(Frozen):
    """One step of `verify`."""

    number: int
    name: str
    status: Literal["pass", "fail", "skip"]
    detail: str
    file: str = ""


class VerifyResult(Frozen):
    """What an auditor may say."""

    schema_: Annotated[Literal["dpgate.verify/v1"], Field(alias="schema")] = "dpgate.verify/v1"
    verified: bool
    """All steps passed, and the root is one that was given or seen before."""
    authenticated: bool
    root: str
    head: str
    entries: int
    releases: tuple[str, ...]
    steps: tuple[Step, ...]
    exit_code: int
    next: str


class AdoptResult(Frozen):
    """A policy that was adopted."""

    schema_: Annotated[Literal["dpgate.adopt/v1"], Field(alias="schema")] = "dpgate.adopt/v1"
    entry: int
    root: str
    policy_set: str
    already: bool = False
    """It was in force before: nothing was written."""
    changes: tuple[str, ...]
    notes: tuple[str, ...] = ()
    """What a reader of the ledger may miss, and how to mend it."""
    next: str


class FilesResult(Frozen):
    """Files that were written (`init`, `keygen`)."""

    schema_: Annotated[Literal["dpgate.files/v1"], Field(alias="schema")] = "dpgate.files/v1"
    title: str
    lines: tuple[str, ...]
    next: str


class WithdrawResult(Frozen):
    """A release that was called back."""

    schema_: Annotated[Literal["dpgate.withdraw/v1"], Field(alias="schema")] = "dpgate.withdraw/v1"
    release: str
    entry: int
    recipients: tuple[str, ...]
    samples: tuple[int, ...] = ()
    """Entries of draws from its model, which are called back with it."""
    next: str


class PendingResult(Frozen):
    """What adopting the work tree's policy would change."""

    schema_: Annotated[Literal["dpgate.pending/v1"], Field(alias="schema")] = "dpgate.pending/v1"
    first: bool
    changes: tuple[str, ...]
