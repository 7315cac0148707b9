"""The rules that every manifest is held against. Each denies by default and says what to do.

A rule is a function of the documents alone; no data, no ledger. Budgets are judged by
`dpgate.gate.plan`, approvals by `dpgate.gate.approvals`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from dpgate.loading.documents import Loaded
from dpgate.model.columns import IdentifierColumn, TextColumn
from dpgate.model.dataset import Dataset
from dpgate.model.derive import inputs
from dpgate.model.finding import Finding
from dpgate.model.policy import PrivacyPolicy, SensitivityClass
from dpgate.model.release import Release
from dpgate.model.values import plain, short
from dpgate.policy import evidence, limits, queries, tables


@dataclass(frozen=True)
class Case:
    """What a rule sees."""

    policy: PrivacyPolicy
    dataset: Dataset
    release: Release
    dataset_file: Loaded
    release_file: Loaded
    today: dt.date
    proofs: Mapping[str, str]
    """Kind of proof of every synthesizer that is installed."""

    def finding(
        self,
        rule: str,
        message: str,
        fix: str,
        *path: str | int,
        level: str = "deny",
        dataset: bool = False,
    ) -> Finding:
        """A finding at the place of a key in the manifest, or in the dataset."""
        loaded = self.dataset_file if dataset else self.release_file
        line, column = loaded.at("spec", *path)
        return Finding(
            rule=rule,
            level="warn" if level == "warn" else "deny",
            message=message,
            fix=fix,
            file=loaded.file,
            line=line,
            column=column,
        )


Rule = Callable[[Case], Iterator[Finding]]


def policy_in_force(case: Case) -> Iterator[Finding]:
    """An expired policy allows nothing."""
    expires = case.policy.spec.expires
    if expires is not None and case.today > expires:
        yield case.finding(
            "policy-in-force",
            f"the policy expired on {expires}",
            "adopt a renewed policy: dpgate policy adopt",
        )


def known_population(case: Case) -> Iterator[Finding]:
    """Each population of the dataset has a budget, in the same relation, and is not retired."""
    spec = case.dataset.spec
    places: list[tuple[str, tuple[str | int, ...]]] = [(spec.population, ("population",))]
    places += [(n, ("shares_people_with", i)) for i, n in enumerate(spec.shares_people_with)]
    for name, path in places:
        population = case.policy.spec.populations.get(name)
        if population is None:
            known = ", ".join(case.policy.spec.populations)
            yield case.finding(
                "known-population",
                f"population {name} has no budget in the policy (it knows {known})",
                "give it a lifetime limit under spec.populations of the policy",
                *path,
                dataset=True,
            )
            continue
        if population.neighboring != spec.neighboring:
            yield case.finding(
                "one-relation",
                f"the policy accounts for {name} under {population.neighboring}, "
                f"the dataset says {spec.neighboring}",
                f"say neighboring: {population.neighboring}",
                "neighboring",
                dataset=True,
            )
        if population.retired is not None and case.today >= population.retired:
            yield case.finding(
                "retired-population",
                f"population {name} was retired on {population.retired}",
                "new people are another population, with `renews` in the policy",
                *path,
                dataset=True,
            )


def known_columns(case: Case) -> Iterator[Finding]:
    """Every released column exists; identifiers are made up anew, free text is left out."""
    for index, name in enumerate(case.release.spec.columns):
        column = case.dataset.spec.columns.get(name)
        if name in case.dataset.spec.derive:
            learned = set(case.dataset.spec.learned(case.release.spec.columns))
            lost = [n for n in inputs(case.dataset.spec.derive[name]) if n not in learned]
            if lost:
                yield case.finding(
                    "derived-columns",
                    f"column {name} is derived from {', '.join(lost)}, not released here",
                    f"add {', '.join(lost)} to columns, or remove {name}",
                    "columns",
                    index,
                )
        elif column is None:
            yield case.finding(
                "known-columns",
                f"column {name} is not in dataset {case.dataset.metadata.name}",
                "columns of the dataset: " + ", ".join(case.dataset.spec.columns),
                "columns",
                index,
            )
        elif isinstance(column, IdentifierColumn) and column.regenerate is None:
            yield case.finding(
                "no-identifiers",
                f"column {name} is an identifier",
                f"remove {name} from columns, or say in the dataset how to make up new ones: "
                "regenerate: sequence",
                "columns",
                index,
            )
        elif isinstance(column, TextColumn):
            yield case.finding(
                "free-text",
                f"column {name} is free text: it is not read, and the release goes without it",
                f"remove {name} from columns",
                "columns",
                index,
                level="warn",
            )


def public_domains(case: Case) -> Iterator[Finding]:
    """No domain and no table was read off the private data; charged ones cannot be checked."""
    for what, path, source in case.dataset.spec.sources(case.release.spec.columns):
        faults = {
            "private_data": "was read off the private data, which no ε covers",
            "dp_estimate": "is said to be a charged estimate, and this version makes none",
        }
        fault = faults.get(source.kind)
        if fault is not None:
            yield case.finding(
                "public-domains",
                f"the {what} {fault}",
                "take it from a public codebook, or state an assumption that privacy approves",
                *path,
                dataset=True,
            )


def class_limits(case: Case) -> Iterator[Finding]:
    """ε, synthesizer and proof suit the class of every released column."""
    spec = case.release.spec
    seen: set[str] = set()
    for name in spec.columns:
        column = case.dataset.spec.columns.get(name)
        if column is None or column.sensitivity in seen:
            continue
        seen.add(column.sensitivity)
        rule = case.policy.spec.classes.get(column.sensitivity)
        if rule is None:
            yield case.finding(
                "known-class",
                f"class {column.sensitivity} of column {name} is not in the policy",
                "classes of the policy: " + ", ".join(case.policy.spec.classes),
                *("columns", name, "sensitivity"),
                dataset=True,
            )
            continue
        ceiling = limits.class_epsilon(case.policy, case.dataset, column.sensitivity)
        if spec.privacy.epsilon > ceiling.value:
            yield case.finding(
                "class-epsilon",
                f"ε {plain(spec.privacy.epsilon)} is above the {plain(ceiling.value)} that one release "
                f"with {column.sensitivity} columns may have (column {name})"
                f"{ceiling.words(case.dataset_file)}",
                f"epsilon: {plain(ceiling.value)} or less",
                *("privacy", "epsilon"),
            )
        if spec.synthesize is not None:
            yield from _synthesizer(case, spec.synthesize.with_, name, rule)


def _synthesizer(
    case: Case, synthesizer: str, column: str, rule: SensitivityClass
) -> Iterator[Finding]:
    """What the class of a column says of a synthesizer."""
    name = case.dataset.spec.columns[column].sensitivity
    if synthesizer not in rule.synthesizers:
        yield case.finding(
            "class-synthesizer",
            f"synthesizer {synthesizer} is not allowed for class {name} (column {column})",
            "allowed: " + ", ".join(rule.synthesizers),
            *("synthesize", "with"),
        )
    proof = case.proofs.get(synthesizer)
    if proof is not None and proof not in rule.proofs:
        yield case.finding(
            "class-proof",
            f"{synthesizer} rests on proof {proof}, not allowed for class {name}",
            "allowed: " + ", ".join(rule.proofs),
            *("synthesize", "with"),
        )


def known_synthesizer(case: Case) -> Iterator[Finding]:
    """The synthesizer is one whose accounting is known."""
    if case.release.spec.synthesize is None:
        return
    name = case.release.spec.synthesize.with_
    if name not in case.proofs:
        yield case.finding(
            "known-synthesizer",
            f"synthesizer {name} is not known",
            "known: " + ", ".join(sorted(case.proofs)),
            *("synthesize", "with"),
        )


def delta_ceiling(case: Case) -> Iterator[Finding]:
    """δ stays below the policy's ceiling and below one over the public bound on rows."""
    delta = case.release.spec.privacy.delta
    ceiling = limits.delta(case.policy, case.dataset)
    rows = case.dataset.spec.rows.at_most
    if delta > ceiling.value:
        whose = "ceiling" if ceiling.path else "policy's ceiling"
        yield case.finding(
            "delta-ceiling",
            f"δ {short(delta)} is above the {whose} {short(ceiling.value)}"
            f"{ceiling.words(case.dataset_file)}",
            f"delta: {short(ceiling.value)} or less",
            *("privacy", "delta"),
        )
    if delta * rows >= 1:
        yield case.finding(
            "delta-rows",
            f"δ {short(delta)} is not below 1/{rows}, so that a whole row could be published by chance",
            f"choose δ well below 1/{rows}",
            *("privacy", "delta"),
        )


def known_purpose(case: Case) -> Iterator[Finding]:
    """The purpose is one the policy allows."""
    purpose = case.release.spec.purpose
    if purpose not in case.policy.spec.purposes:
        yield case.finding(
            "known-purpose",
            f"purpose {purpose} is not allowed by the policy",
            "allowed: " + ", ".join(case.policy.spec.purposes),
            "purpose",
        )


def retention(case: Case) -> Iterator[Finding]:
    """Recipients' right to hold the data ends, in time, and has not ended yet."""
    expires = case.release.spec.retention.expires
    ceiling = limits.days(case.policy, case.dataset)
    latest = case.today + dt.timedelta(days=int(ceiling.value))
    if expires < case.today:
        yield case.finding(
            "retention", f"retention ended on {expires}", "a later date", *("retention", "expires")
        )
    elif expires > latest:
        yield case.finding(
            "retention",
            f"retention until {expires} is longer than {ceiling.value} days"
            f"{ceiling.words(case.dataset_file)}",
            f"expires: {latest} or earlier",
            *("retention", "expires"),
        )


def more_rows_than_people(case: Case) -> Iterator[Finding]:
    """More synthetic rows than real ones suggest a precision that is not there.

    A dataset can set a limit of its own, which denies.
    """
    if case.release.spec.synthesize is None:
        return
    rows = case.release.spec.synthesize.rows
    bound = case.dataset.spec.rows.at_most
    most = limits.limits_of(case.dataset).rows_at_most
    if most is not None and rows > most:
        yield case.finding(
            "rows-limit",
            f"{rows} rows are more than the {most} of one release"
            f"{limits.lowered_by(case.dataset_file, ('rows_at_most',))}",
            f"rows: {most} or less",
            *("synthesize", "rows"),
        )
    if rows > bound:
        yield case.finding(
            "rows-out",
            f"{rows} rows are more than the {bound} that the data can have; they add no information",
            f"rows: {bound} or less, unless recipients need the volume",
            *("synthesize", "rows"),
            level="warn",
        )


RULES: tuple[Rule, ...] = (
    policy_in_force,
    known_population,
    known_columns,
    public_domains,
    known_synthesizer,
    class_limits,
    delta_ceiling,
    known_purpose,
    retention,
    evidence.required,
    evidence.loosest,
    evidence.feared,
    evidence.one_table,
    evidence.restricted,
    more_rows_than_people,
    tables.two_tables,
    queries.query_columns,
    queries.query_kinds,
    queries.query_size,
    queries.query_range,
    queries.class_statistics,
    queries.statistics_proof,
)


def evaluate(
    policy: PrivacyPolicy,
    dataset_file: Loaded,
    release_file: Loaded,
    today: dt.date,
    proofs: Mapping[str, str],
) -> tuple[Finding, ...]:
    """Everything the rules have to say about one manifest, in the order of the rules."""
    dataset, release = dataset_file.document, release_file.document
    assert isinstance(dataset, Dataset)  # noqa: S101 - narrows the type
    assert isinstance(release, Release)  # noqa: S101 - narrows the type
    case = Case(policy, dataset, release, dataset_file, release_file, today, proofs)
    return tuple(finding for rule in RULES for finding in rule(case))
