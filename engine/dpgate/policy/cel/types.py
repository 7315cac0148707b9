"""What rules can know of a release: the facts, by type.

Every fact follows from documents, from the ledger before a release, and from the hour, so that
`verify` can judge again. What a document leaves out is empty text, 0 or false. docs/rules.md is
written from these types: `python -m dpgate.policy.cel.reference`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class Threshold:
    """A threshold of a manifest's `utility`."""

    metric: str
    about: str
    """What tells it apart from others of its metric: `visits by health`; empty if nothing does."""
    order: int
    """Columns of each marginal; 0 for metrics that have none."""
    at_most: Decimal
    """The highest value that passes; 0 where high values are good."""
    at_least: Decimal
    """The lowest value that passes; 0 where low values are good."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Attack:
    """A threshold of a manifest's `attacks`."""

    name: str
    """`membership`, `attribute.health` …"""
    advantage_at_most: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class Query:
    """A query of a release of statistics."""

    name: str
    type: str
    """`count`, `sum`, `mean`, `quantiles` or `top`."""
    of: str
    """The column that it is about; empty for counts."""
    by: tuple[str, ...]
    """Columns whose cells are the groups."""
    noise: str
    """`gaussian` or `laplace`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """The manifest that is judged."""

    name: str
    """`dataset/release`, as commands name it."""
    dataset: str
    title: str
    owner: str
    type: str
    """`synthetic` or `statistics`."""
    purpose: str
    recipients: tuple[str, ...]
    regions: tuple[str, ...]
    """ISO 3166 codes of countries."""
    columns: tuple[str, ...]
    """Names, as the manifest lists them."""
    synthesizer: str
    """Empty for statistics."""
    rows: int
    """0 for statistics."""
    formats: tuple[str, ...]
    keep_model: bool
    """Whether the fitted model is released too."""
    epsilon: Decimal
    """ε of this release alone, at its δ."""
    delta: Decimal
    evidence_share: Decimal
    terms: tuple[str, ...]
    expires: str
    """Last day of retention: `2027-06-30`."""
    retention_days: int
    """Days from today until then."""
    increment_of: str
    """The release of the same dataset that it continues; empty if none."""
    period: str
    """Its period in that series."""
    utility: tuple[Threshold, ...]
    attacks: tuple[Attack, ...]
    adversary: str
    """Of the threat model: `recipient`, `public` or `insider`; empty if there is none."""
    knows: tuple[str, ...]
    """Columns that the adversary knows; empty: the released quasi-identifiers."""
    fears: tuple[str, ...]
    """Attacks that are run."""
    unprotected_bits: int
    """Thresholds that are judged without noise, one bit each."""
    queries: tuple[Query, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """A column of a dataset."""

    name: str
    type: str
    """`integer`, `number`, `category`, `identifier`, `text` …"""
    sensitivity: str
    """Its class."""
    quasi_identifier: bool
    identifier: bool
    free_text: bool
    groups: tuple[str, ...]
    nullable: bool
    provenance: str
    """Where its domain comes from: `public_codebook`, `assumption`, `dp_estimate` or
    `private_data`; empty for identifiers and free text."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Dataset:
    """The dataset that the release is about."""

    name: str
    title: str
    steward: str
    population: str
    populations: tuple[str, ...]
    """`population` first, then those that share people with it."""
    neighboring: str
    """`add-remove` or `replace-one`."""
    rows_at_most: int
    """The public bound on its rows."""
    row: str
    """What one row is."""
    unit_column: str
    """The identifier column that names the person; empty if none does."""
    max_rows_per_person: int
    protects: str
    """What ε is about: `person`, or what one row is."""
    columns: tuple[Column, ...]
    """The released ones. Derived columns are not among them: what they are derived from is."""
    all_columns: tuple[Column, ...]
    """Those that are not released as well."""
    derived: tuple[str, ...]
    """Names of released columns that are computed from released ones."""
    sensitivities: tuple[str, ...]
    """Classes of the released columns."""
    quasi_identifiers: tuple[str, ...]
    """Names of the released columns that are quasi-identifiers."""
    groups: tuple[str, ...]
    """Groups of the released columns."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """A budget of the policy that the release touches."""

    population: str
    about: str
    """`all`, `type`, `purpose`, `recipient`, `sensitivity` or `group`."""
    value: str
    """Which of them; empty for `all`."""
    window: str
    """`lifetime`, `month`, `quarter`, `year`, or days: `90-days`."""
    title: str
    before: Decimal
    this: Decimal
    """What the composition grows by."""
    after: Decimal
    limit: Decimal
    remaining: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """Composed ε at the policy's δ, before and after this release.

    Keys of the maps: `lifetime` for everything that is charged to the dataset's population; for
    parts of it `type:…`, `purpose:…`, `recipient:…`, `sensitivity:…`, `group:…` with the values of
    this release; and with `@month`, `@quarter`, `@year` or `@90-days` where the policy has a quota
    with that window. Of several populations, the one that has spent most counts.
    """

    scopes: tuple[Scope, ...]
    """The policy's limits that this release touches."""
    before: Mapping[str, Decimal]
    """Spent so far. Lifetime totals are there whether or not the policy limits them."""
    after: Mapping[str, Decimal]
    """The same with this release."""
    limit: Mapping[str, Decimal]
    """Only where the policy sets one."""
    remaining: Mapping[str, Decimal]
    """Limit less what is spent afterwards; 0 where it does not fit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Past:
    """An earlier attempt at a release, of any dataset."""

    name: str
    """`dataset/release`."""
    dataset: str
    entry: int
    """Number of its reservation in the ledger."""
    time: str
    """UTC hour of it: `2026-11-22T18:00:00Z`."""
    outcome: str
    """`released`, `withdrawn`, `gate-failed`, `failed`, `abandoned`, `resumed` or `open`. All are spent."""
    type: str
    purpose: str
    recipients: tuple[str, ...]
    regions: tuple[str, ...]
    sensitivities: tuple[str, ...]
    groups: tuple[str, ...]
    columns: tuple[str, ...]
    quasi_identifiers: tuple[str, ...]
    epsilon: Decimal
    """Its own ε, at its own δ."""
    population: str
    populations: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    """Attempts before this one, of all datasets, oldest first."""

    releases: tuple[Past, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Approval:
    """A role's approvals of this release."""

    have: int
    """Distinct keys whose approval counts."""
    needed: int
    """0 where the policy does not need this role."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Clock:
    """The moment, in the policy's time zone."""

    today: str
    """`2026-11-22`. Dates in this form compare as text."""
    year: int
    quarter: int
    month: int
    weekday: int
    """1 is Monday, 7 is Sunday."""


TYPES: tuple[type, ...] = (
    Threshold,
    Attack,
    Query,
    Release,
    Column,
    Dataset,
    Scope,
    Budget,
    Past,
    History,
    Approval,
    Clock,
)
