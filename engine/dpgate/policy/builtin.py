"""The rules that are built into dpgate: their ids, what they demand, and why.

No policy can switch them off, and no waiver is accepted for one. A test holds this list equal to
the findings that the program can make.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Judged = Literal["check", "plan"]


@dataclass(frozen=True)
class Builtin:
    """One rule that is built in."""

    id: str
    title: str
    """What it demands."""
    because: str
    """What it protects."""
    reads: tuple[str, ...]
    """Keys of manifest, dataset and policy that it looks at."""
    where: str
    """Function that makes the finding."""
    level: Literal["deny", "warn"] = "deny"
    judged: Judged = "check"
    """`check`: from documents alone. `plan`: from the ledger or from the release's cost, too."""
    about: Literal["release", "policy", "request", "approvals"] = "release"
    """`policy`: of the policy document itself. `request`: of a pull request, whatever it releases.
    `approvals`: of what people signed, whatever it says."""


_RULES, _QUERIES, _WEIGH = "dpgate.policy.rules", "dpgate.policy.queries", "dpgate.gate.weigh"

_ALL = (
    Builtin(
        "policy-in-force",
        "The policy has not expired",
        "What an organization agreed to for some time is no standing permission.",
        ("policy.expires",),
        f"{_RULES}.policy_in_force",
    ),
    Builtin(
        "known-population",
        "Each population of the dataset has a budget in the policy",
        "Without a lifetime limit there would be no guarantee to these people at all.",
        ("dataset.population", "dataset.shares_people_with", "policy.populations"),
        f"{_RULES}.known_population",
    ),
    Builtin(
        "one-relation",
        "The dataset is accounted under the policy's neighboring relation of its population",
        "Losses under two relations cannot be added up.",
        ("dataset.neighboring", "policy.populations"),
        f"{_RULES}.known_population",
    ),
    Builtin(
        "retired-population",
        "The population has not been retired",
        "A retired population's budget is closed for good.",
        ("dataset.population", "policy.populations"),
        f"{_RULES}.known_population",
    ),
    Builtin(
        "known-columns",
        "Every released column is one of the dataset's",
        "What is not described has no public domain, class or limit.",
        ("columns", "dataset.columns"),
        f"{_RULES}.known_columns",
    ),
    Builtin(
        "derived-columns",
        "A derived column is released with the columns that it is computed from",
        "It is computed from released values, so that it costs nothing and reveals nothing more.",
        ("columns", "dataset.derive"),
        f"{_RULES}.known_columns",
    ),
    Builtin(
        "no-identifiers",
        "No identifier is released unless new ones are made up",
        "An identifier names a person, which no noise hides.",
        ("columns", "dataset.columns"),
        f"{_RULES}.known_columns",
    ),
    Builtin(
        "free-text",
        "Free text is left out of releases",
        "It is never read; a manifest that lists it promises what recipients will not get.",
        ("columns", "dataset.columns"),
        f"{_RULES}.known_columns",
        level="warn",
    ),
    Builtin(
        "public-domains",
        "No domain or table was read off the private data",
        "Bounds and categories taken from the data leak what ε does not cover.",
        ("dataset.columns", "dataset.derive", "dataset.constraints"),
        f"{_RULES}.public_domains",
    ),
    Builtin(
        "known-synthesizer",
        "The synthesizer is one whose accounting is known",
        "A cost that nobody can compute cannot be charged.",
        ("synthesize.with",),
        f"{_RULES}.known_synthesizer",
    ),
    Builtin(
        "known-class",
        "The sensitivity class of every released column is in the policy",
        "A class that the policy does not know has no limits, and so allows nothing.",
        ("dataset.columns", "policy.classes"),
        f"{_RULES}.class_limits",
    ),
    Builtin(
        "class-epsilon",
        "ε stays within what one release with columns of each class may have",
        "It bounds how much one recipient can learn at once, however much budget is left.",
        ("privacy.epsilon", "policy.classes"),
        f"{_RULES}.class_limits",
    ),
    Builtin(
        "class-synthesizer",
        "The class of every released column allows the synthesizer",
        "Which programs may learn from sensitive columns is the organization's choice.",
        ("synthesize.with", "policy.classes"),
        f"{_RULES}.class_limits",
    ),
    Builtin(
        "class-proof",
        "The class of every released column allows the kind of proof that the maker rests on",
        "Noise in floating point has a weaker proof than OpenDP's; a class must admit it by name.",
        ("synthesize.with", "statistics", "policy.classes"),
        f"{_RULES}.class_limits",
    ),
    Builtin(
        "delta-ceiling",
        "δ stays below the policy's ceiling",
        "δ is the probability with which the promise may fail.",
        ("privacy.delta", "policy.delta_at_most"),
        f"{_RULES}.delta_ceiling",
    ),
    Builtin(
        "delta-rows",
        "δ stays below one over the public bound on rows",
        "With a larger δ, publishing one whole row by chance would count as private.",
        ("privacy.delta", "dataset.rows.at_most"),
        f"{_RULES}.delta_ceiling",
    ),
    Builtin(
        "known-purpose",
        "The purpose is one that the policy allows",
        "Data may be used for what was agreed upon, and for nothing else.",
        ("purpose", "policy.purposes"),
        f"{_RULES}.known_purpose",
    ),
    Builtin(
        "retention",
        "Recipients' right to hold the data ends in time, and has not ended yet",
        "What is kept for ever is joined with something some day.",
        ("retention.expires", "policy.retention"),
        f"{_RULES}.retention",
    ),
    Builtin(
        "required-evidence",
        "Evidence that the policy requires is measured against a threshold",
        "A release nobody measured may be useless, and its cost is spent all the same.",
        ("utility", "policy.evidence"),
        f"{_RULES}.required_evidence",
    ),
    Builtin(
        "rows-out",
        "No more synthetic rows than the data can have",
        "More rows suggest a precision that is not there; they add no information.",
        ("synthesize.rows", "dataset.rows.at_most"),
        f"{_RULES}.more_rows_than_people",
        level="warn",
    ),
    Builtin(
        "rows-limit",
        "No more synthetic rows than the dataset's own limits allow",
        "A steward may keep the volume of what leaves below what the organization allows.",
        ("synthesize.rows", "dataset.limits"),
        f"{_RULES}.more_rows_than_people",
    ),
    Builtin(
        "dataset-limits",
        "A dataset's own limits are lower than the organization's",
        "A dataset may narrow what the organization allows, and never widen it.",
        ("dataset.limits", "policy.classes", "policy.populations"),
        "dpgate.policy.limits.too_high",
    ),
    Builtin(
        "two-tables",
        "A release of two tables names columns of both, and the key that joins them",
        "Tables that do not fit together are no release of two; one that nobody could draw would be spent.",
        ("columns", "synthesize.joined", "utility", "dataset.joined"),
        "dpgate.policy.tables.two_tables",
    ),
    Builtin(
        "query-columns",
        "Queries read columns that the release lists, and it lists no others",
        "Reviewers see in the list of columns what is read, no less and no more.",
        ("columns", "statistics.queries"),
        f"{_QUERIES}.query_columns",
    ),
    Builtin(
        "query-kind",
        "What a query is about is of a kind that it can be asked of",
        "A mean of categories would fail after the budget is spent.",
        ("statistics.queries", "dataset.columns"),
        f"{_QUERIES}.query_kinds",
    ),
    Builtin(
        "query-size",
        "A query has no more cells than can be measured",
        "A table of more cells than people is nearly all noise.",
        ("statistics.queries", "dataset.columns"),
        f"{_QUERIES}.query_size",
    ),
    Builtin(
        "query-range",
        "Sums of a column fit into exact arithmetic",
        "A sum that overflows has no sensitivity that could be stated.",
        ("statistics.queries", "dataset.rows.at_most"),
        f"{_QUERIES}.query_range",
    ),
    Builtin(
        "class-statistics",
        "The class of every column that a query reads allows that kind of query",
        "Which numbers may be published about sensitive columns is the organization's choice.",
        ("statistics.queries", "policy.classes"),
        f"{_QUERIES}.class_statistics",
    ),
    Builtin(
        "budget",
        "Every budget that the release touches has room for its cost",
        "The lifetime limit of a population is the guarantee; quotas narrow it.",
        ("privacy.epsilon", "policy.populations"),
        f"{_WEIGH}.weigh",
        judged="plan",
    ),
    Builtin(
        "population-reset",
        "A dataset keeps the populations that its earlier releases were charged to",
        "Under another name the same people would start with a fresh budget.",
        ("dataset.population", "policy.populations"),
        f"{_WEIGH}.weigh",
        judged="plan",
    ),
    Builtin(
        "increment",
        "An increment continues a release that stands, with the same columns and cells",
        "Periods that do not line up are other releases, and read as one they mislead.",
        ("increment",),
        "dpgate.gate.increments.findings",
        judged="plan",
    ),
    Builtin(
        "error-at-most",
        "No query's noise is above what its author accepts",
        "What the noise already rules out is denied before anything is spent.",
        ("statistics.queries", "privacy.epsilon"),
        "dpgate.gate.statistical.Statistical.shortfalls",
        judged="plan",
    ),
    Builtin(
        "planning",
        "The cost of a release can be planned",
        "What cannot be planned cannot be charged; `plan` says so as an error, tests as a finding.",
        ("privacy", "synthesize", "statistics"),
        "dpgate.gate.trial.unplanned",
        judged="plan",
    ),
    Builtin(
        "threshold-out-of-reach",
        "A utility threshold is above the noise of its own measurement",
        "The gate would hardly pass, and the cost stays spent.",
        ("utility", "privacy.evidence_share"),
        "dpgate.gate.noise.out_of_reach",
        level="warn",
        judged="plan",
    ),
    Builtin(
        "training-weak",
        "A training's noise leaves something to learn, and it does not pass over the data too often",
        "The cost is spent whatever comes of it.",
        ("synthesize.training", "privacy.epsilon", "dataset.rows"),
        "dpgate.gate.training.findings",
        level="warn",
        judged="plan",
    ),
    Builtin(
        "waiver",
        "A waiver is of one soft rule and one release that there are",
        "A waiver that can't be in force, or of an error, would be taken for permission.",
        ("policy.waivers", "policy.rules"),
        "dpgate.gate.waivers_told.Waiving.findings",
    ),
    Builtin(
        "policy-keys",
        "Keys and recipients of the policy are ones that can sign and read",
        "A key that stands under two roles would be one person agreeing with themselves.",
        ("policy.roles",),
        "dpgate.gate.check.policy_findings",
        about="policy",
    ),
    Builtin(
        "ledger-paths",
        "A pull request leaves the ledger's files as they are",
        "The engine alone writes the ledger, on a branch of its own.",
        ("releases/ledger/",),
        "dpgate.gate.changes.request_findings",
        about="request",
    ),
    Builtin(
        "refusal-removed",
        "A pull request leaves refusals of what it does not change",
        "A refusal is a file: who may write to the branch could delete it, and nothing else would tell.",
        ("releases/*/*/approvals/", "policies/approvals/"),
        "dpgate.gate.refusals_kept.removed",
        about="request",
    ),
    Builtin(
        "ledger-branch",
        "A pull request leaves the ledger where it lies",
        "On another branch there would be no past, and every budget would be whole again.",
        ("policy.ledger.branch",),
        "dpgate.gate.changes.request_findings",
        about="request",
    ),
    Builtin(
        "rules-ended",
        "The rules of the policy can be judged within their limits of time and memory",
        "What was not judged is not allowed.",
        ("policy.rules",),
        "dpgate.policy.rulebook.ended",
    ),
    Builtin(
        "request-edits-its-judge",
        "A pull request that changes how requests are judged is read closely",
        "What its own checks say depends on what it changes.",
        (".github/",),
        "dpgate.gate.changes.request_findings",
        level="warn",
        about="request",
    ),
    Builtin(
        "refused",
        "Nobody whose approval counts has refused the release",
        "A refusal is as much on record as an approval, and stops a release however many approve.",
        ("approvals/",),
        "dpgate.gate.consent.findings",
        judged="plan",
        about="approvals",
    ),
    Builtin(
        "approval-expires",
        "No approval that counts is about to expire",
        "A release that comes a day late would have to be approved again.",
        ("approvals/",),
        "dpgate.gate.consent.findings",
        level="warn",
        judged="plan",
        about="approvals",
    ),
    Builtin(
        "github-reviews",
        "Reviews on GitHub that the policy asks for are there as well",
        "They are required beside signatures, and never instead.",
        ("policy.approvals",),
        "dpgate.gate.release.release",
        judged="plan",
        about="approvals",
    ),
    Builtin(
        "released-manifest",
        "A pull request leaves manifests that were released as they are",
        "What was released is on record; an edited manifest would no longer say what was.",
        ("releases/",),
        "dpgate.gate.request.judge_request",
        about="request",
    ),
    Builtin(
        "policy-change",
        "A pull request changes of the policy what can be changed",
        "Orders, δ, populations and the ledger's place are what all that was spent rests on.",
        ("policy",),
        "dpgate.gate.request.judge_request",
        about="request",
    ),
)

BUILTIN: dict[str, Builtin] = {rule.id: rule for rule in _ALL}
"""By id, in the order in which they are judged."""
