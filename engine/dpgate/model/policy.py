"""The PrivacyPolicy document: limits, roles, and who must approve."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StrictInt, field_validator, model_validator

from dpgate.model.catalogue import Chosen
from dpgate.model.rule import Expression, Rule, once_each
from dpgate.model.statistics import Measure
from dpgate.model.values import (
    Date,
    Frozen,
    Name,
    Positive,
    Probability,
    Relation,
    Text,
    counted,
    exactly,
)

Proof = Literal["opendp", "real-arithmetic"]
Window = Literal["month", "quarter", "year"]


class Accounting(Frozen):
    """How composed cost is judged; fixed when the policy is first adopted."""

    delta: Probability
    """δ at which every budget of this policy is stated."""
    orders: Annotated[
        tuple[Annotated[StrictInt, Field(ge=2, le=1024)], ...], Field(min_length=1, max_length=16)
    ]
    """Rényi orders of the filter. A few: each one costs part of δ."""

    @model_validator(mode="after")
    def _increasing(self) -> Accounting:
        if any(a >= b for a, b in zip(self.orders, self.orders[1:], strict=False)):
            raise ValueError("orders must be strictly increasing")
        return self


class Limit(Frozen):
    """A limit on composed ε, at the policy's δ."""

    epsilon: Positive


_SELECTORS = ("type", "purpose", "recipient", "sensitivity", "group")


class Quota(Frozen):
    """A narrower limit inside a population's lifetime limit; no guarantee of its own.

    At most one of `type`, `purpose`, `recipient`, `sensitivity`, `group` says what it is about
    (`*`: each value on its own; none: everything), exactly one of `every`, `rolling_days` and
    `lifetime` over what time.
    """

    type: Name | Literal["*"] | None = None
    """Type of release: `synthetic` or `statistics`."""
    purpose: Name | Literal["*"] | None = None
    recipient: Name | Literal["*"] | None = None
    sensitivity: Name | Literal["*"] | None = None
    group: Name | Literal["*"] | None = None
    """A column group of the datasets."""
    every: Window | None = None
    """Calendar window, in the policy's time zone."""
    rolling_days: Annotated[StrictInt, Field(ge=1, le=3_660)] | None = None
    """The last so many days."""
    lifetime: Annotated[Literal[True], exactly(bool)] | None = None
    epsilon: Positive

    @model_validator(mode="after")
    def _exactly_one(self) -> Quota:
        if sum(getattr(self, what) is not None for what in _SELECTORS) > 1:
            raise ValueError(f"a quota is about one of {', '.join(_SELECTORS)}")
        if sum(x is not None for x in (self.every, self.rolling_days, self.lifetime)) != 1:
            raise ValueError(
                "a quota needs one of every: month|quarter|year, rolling_days, lifetime: true"
            )
        return self

    @property
    def selector(self) -> tuple[str, str]:
        """What the quota is about and which value of it: ("purpose", "vendor-testing")."""
        for what in _SELECTORS:
            value = getattr(self, what)
            if value is not None:
                return what, value
        return "all", "*"


class Renewal(Frozen):
    """New people under an old heading: the only way to a fresh budget."""

    population: Name
    """The population that is retired."""
    because: Text
    """Why nobody of it is in the new one."""


class Population(Frozen):
    """People, and what may ever be learned about them."""

    neighboring: Relation
    """The one neighboring relation that all releases about these people are accounted in."""
    lifetime: Limit
    """The guarantee. Never reset."""
    quotas: tuple[Quota, ...] = ()
    retired: Date | None = None
    """From this day on nothing more is released about these people."""
    renews: Renewal | None = None
    """Says that these are other people than those of a retired population, whose datasets may
    then be about these."""


class SensitivityClass(Frozen):
    """What may be done with columns of one class."""

    title: Text | None = None
    epsilon_per_release_at_most: Positive
    synthesizers: Annotated[tuple[Name, ...], Field(min_length=1)]
    proofs: Annotated[tuple[Proof, ...], Field(min_length=1)] = ("opendp",)
    """`real-arithmetic` admits mechanisms whose noise is a floating-point number."""
    statistics: tuple[Measure, ...] = ()
    """Kinds of queries that releases of statistics may ask of such columns; none unless listed."""


EvidenceName = Literal[
    "schema_conformity",
    "marginal_tvd",
    "worst_marginal_tvd",
    "ks",
    "wasserstein",
    "chi_square",
    "correlation",
    "cramers_v",
    "mean",
    "quantile",
    "rate",
    "funnel",
    "subgroup_tvd",
    "rare_events",
    "prediction",
    "prediction_ratio",
    "detectability",
    "membership",
    "membership_density",
    "attribute",
    "linkage",
    "singling_out",
    "copies",
]
"""What can be demanded of a release's evidence: metrics of `utility`, and attacks."""


class Evidence(Frozen):
    """What every release must measure about itself."""

    required: tuple[EvidenceName, ...] = ("schema_conformity",)
    """A manifest with synthetic rows must set a threshold for each."""
    thresholds: dict[EvidenceName, Positive] = Field(default_factory=dict)
    """The loosest threshold that a manifest may set, by metric or attack."""
    attempts: Annotated[StrictInt, Field(ge=1, le=100)] | None = None
    """How often one release may be attempted; each attempt is charged. Absent: as approvals say."""
    restricted_gates: tuple[Literal["prediction_ratio", "detectability"], ...] = ()
    """Metrics without noise whose verdict may gate. Each threshold lets out one bit that no ε covers;
    plan, record and card say so beside every ε of the release."""


class Role(Frozen):
    """Keys that speak for one function of the organization."""

    keys: tuple[Text, ...] = ()
    """OpenSSH public keys, ssh-ed25519 only."""
    threshold: Annotated[StrictInt, Field(ge=1, le=20)] = 1
    """How many distinct keys of the role must sign."""
    encrypt_to: tuple[Text, ...] = ()
    """age recipients that restricted evidence is encrypted to."""

    @model_validator(mode="after")
    def _reachable(self) -> Role:
        if self.keys and self.threshold > len(self.keys):
            raise ValueError(
                f"threshold {self.threshold} exceeds the {len(self.keys)} keys of the role"
            )
        if not self.keys and not self.encrypt_to:
            raise ValueError("a role needs keys or encrypt_to")
        return self


class Condition(Frozen):
    """When an approval is needed. All keys given must hold."""

    region_not_in: tuple[Annotated[str, Field(pattern=r"^[A-Z]{2}$")], ...] | None = None
    """Holds when the release goes to a country that is not listed."""
    sensitivity_in: tuple[Name, ...] | None = None
    """Holds when a released column has one of these classes."""

    @model_validator(mode="after")
    def _some(self) -> Condition:
        if self.region_not_in is None and self.sensitivity_in is None:
            raise ValueError("a condition needs region_not_in or sensitivity_in")
        return self


class GithubReviews(Frozen):
    """Reviews of the manifest's pull request that are demanded as well; never instead.

    The release job asks GitHub and denies if they are missing or GitHub cannot be asked. What it saw
    is on record as its word: nobody can verify it later.
    """

    at_least: Annotated[StrictInt, Field(ge=1, le=20)] = 1
    """How many people must have approved these very bytes."""
    users: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,38}$")], ...] = ()
    """Accounts that count."""
    teams: tuple[
        Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9_-]{1,100}$")], ...
    ] = ()
    """``organization/team``: members count as well. Neither users nor teams: owners, members and
    collaborators of the repository count."""

    @property
    def words(self) -> str:
        """What is demanded, for people."""
        who = ", ".join(f"@{name}" for name in (*self.users, *self.teams))
        asked = counted(self.at_least, "approving review")
        return f"{asked} on GitHub" + (f" by {who}" if who else "")


class ApprovalRule(Frozen):
    """Roles whose approval a release needs."""

    roles: Annotated[tuple[Name, ...], Field(min_length=1)]
    when: Condition | Expression | None = None
    """Absent: always. As text: an expression in CEL over release, dataset and clock; where it
    cannot be evaluated the approval is needed."""
    github_reviews: GithubReviews | None = None
    """Reviews on GitHub that are needed beside these signatures."""


class Separation(Frozen):
    """Who wrote a manifest must not be who approves it."""

    authors: Annotated[tuple[Name, ...], Field(min_length=1)]
    """Roles whose keys may sign as the author (`dpgate author`). A release needs one such signature,
    and no approval by a key that signed as its author counts, whatever role it stands under."""


class Signoff(Frozen):
    """Roles that must all sign, each at its threshold."""

    roles: Annotated[tuple[Name, ...], Field(min_length=1)]


class Waivers(Frozen):
    """Who may waive a soft rule, how long, and how often. Hard rules and errors never are."""

    roles: Annotated[tuple[Name, ...], Field(min_length=1)]
    """Roles that must all sign a waiver, each at its threshold."""
    days_at_most: Annotated[StrictInt, Field(ge=1, le=366)]
    """A waiver is in force on its last day and at most so many days before it."""
    at_most: Annotated[StrictInt, Field(ge=1, le=20)] = 1
    """How many waivers one release may use."""


class RetentionLimit(Frozen):
    """How long recipients may hold a release."""

    days_at_most: Annotated[StrictInt, Field(ge=1, le=36_500)]


class LedgerPlace(Frozen):
    """Where the ledger lives in Git."""

    branch: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,99}$")] = "dpgate-ledger"
    """Written by the engine alone, never merged by people."""

    @model_validator(mode="after")
    def _a_ref(self) -> LedgerPlace:
        bad = (".." in self.branch, "//" in self.branch, self.branch.endswith(("/", ".", ".lock")))
        if any(bad) or "/." in self.branch:
            raise ValueError(f"{self.branch!r} is not a branch name that Git accepts")
        return self


class PolicySpec(Frozen):
    """What a PrivacyPolicy says."""

    accounting: Accounting
    delta_at_most: Probability
    """Ceiling on the δ of one release; it must also stay below 1/rows of the dataset."""
    timezone: Text = "UTC"
    """IANA time zone of calendar windows and expiry dates."""
    expires: Date | None = None
    """After this day the policy allows nothing until it is adopted anew."""
    ledger: LedgerPlace = LedgerPlace()
    populations: Annotated[dict[Name, Population], Field(min_length=1)]
    purposes: Annotated[tuple[Name, ...], Field(min_length=1)]
    """Purposes a release may name."""
    classes: Annotated[dict[Name, SensitivityClass], Field(min_length=1)]
    evidence: Evidence = Evidence()
    retention: RetentionLimit
    roles: dict[Name, Role]
    approvals: Annotated[tuple[ApprovalRule, ...], Field(min_length=1)]
    separation: Separation | None = None
    """Absent: a release needs no author's signature."""
    rules: Annotated[tuple[Rule, ...], Field(max_length=500)] = ()
    """The organization's own rules, in CEL, beside those that always hold: docs/rules.md."""
    catalogue: dict[Name, Chosen] = Field(default_factory=dict)
    """Rules that come with dpgate, by id: docs/rules/README.md."""
    policy_change: Signoff
    waivers: Waivers | None = None
    """Absent: no waiver is ever in force."""

    @model_validator(mode="after")
    def _roles_known(self) -> PolicySpec:
        if not self.roles.get("runner") or not self.roles["runner"].keys:
            raise ValueError("roles.runner with at least one key is needed: it signs the ledger")
        if self.roles["runner"].threshold > 1:
            raise ValueError("roles.runner: one key signs an entry of the ledger; threshold is 1")
        for name, population in self.populations.items():
            if population.renews is None:
                continue
            old = self.populations.get(population.renews.population)
            if old is None or old is population or old.retired is None:
                raise ValueError(
                    f"population {name} renews {population.renews.population}, which must be "
                    "another population of this policy, and retired"
                )
        wanted = {role for rule in self.approvals for role in rule.roles} | set(
            self.policy_change.roles
        )
        wanted |= set(self.waivers.roles if self.waivers else ())
        for role in sorted(wanted):
            if role not in self.roles or not self.roles[role].keys:
                raise ValueError(f"role {role} must approve but has no keys under roles")
        if all(rule.when is not None for rule in self.approvals):
            raise ValueError(
                "approvals needs at least one rule without `when`: no release without approval"
            )
        return self

    @field_validator("rules")
    @classmethod
    def _once_each(cls, rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        return once_each(rules)

    @model_validator(mode="after")
    def _authors_known(self) -> PolicySpec:
        for role in self.separation.authors if self.separation else ():
            if role not in self.roles or not self.roles[role].keys:
                raise ValueError(f"role {role} signs as author but has no keys under roles")
        return self


class PolicyMetadata(Frozen):
    """Names of a policy."""

    name: Name
    title: Text | None = None


class PrivacyPolicy(Frozen):
    """An organization's rules for releases."""

    apiVersion: Literal["dpgate/v1"]  # noqa: N815 - the documents' own spelling
    kind: Literal["PrivacyPolicy"]
    metadata: PolicyMetadata
    spec: PolicySpec
