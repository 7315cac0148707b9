"""`check`: every rule of the policy against every manifest. No data, no ledger, no network."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from dpgate.errors import PolicyError, UsageError
from dpgate.evidence.seal import validate_recipient
from dpgate.gate import judged, measurable, ruling
from dpgate.gate.regions import about, with_ends
from dpgate.gate.results import CheckResult
from dpgate.gate.waiver_results import WaiverRow
from dpgate.gate.waivers import Ground, unsigned
from dpgate.gate.waivers_told import Waiving, nowhere, waiving
from dpgate.gate.workspace import Case, Workspace, now, policy_of, workspace
from dpgate.ledger.roles import keyring
from dpgate.model.finding import Finding
from dpgate.model.policy import PrivacyPolicy
from dpgate.policy.facts import clock
from dpgate.policy.limits import too_high
from dpgate.policy.rulebook import rules_for
from dpgate.policy.rules import evaluate
from dpgate.synthesis import registry

if TYPE_CHECKING:
    from dpgate.gate.product import Shortfall


def check(
    repo: Path | str = ".", paths: tuple[Path | str, ...] = (), *, changed: str | None = None
) -> CheckResult:
    """Check manifests against the policy of the work tree.

    Args:
        repo: a release repository, or a folder in it.
        paths: files or folders to check; all manifests when empty.
        changed: check only what changed since this branch or commit, and whether the ledger did.

    Returns:
        A result whose `allowed` is False if any finding denies.

    Raises:
        DocumentError: documents are malformed; every problem of every file is listed.
        UsageError: there is no release repository, or a path is not in it.
    """
    if paths and changed is not None:
        raise UsageError("paths and a base of changes name manifests twice", fix="give one of them")
    space = workspace(Path(repo), tuple(Path(path) for path in paths))
    policy = policy_of(space.policy_file)
    today = clock(policy, now()).day
    names, of_request = _changed(space, changed)
    findings = [*_whole(space, policy), *of_request]
    cases = tuple(space.case(name) for name in names)
    with ruling.work_tree(cases, space.policy_file) as rules:  # its child starts now
        proofs = registry.proofs()  # once: it reads the metadata of everything that is installed
        built_in = {case.name: judge(case, policy, today, proofs) for case in cases}
        ruled = rules.judge(ruling.checked_facts(today))
    waivers: list[WaiverRow] = []
    trainings: list[str] = []
    for case, asked in _waiving(space, cases, today, frozenset(ruled.later)):
        made = asked.aside(built_in[case.name] + ruled.findings[case.name])
        told, more = _expected(case, made)
        trainings += told
        made += more
        findings += about(made + asked.findings(made), case.name)
        waivers += asked.rows(made)
    findings += nowhere(space.documents)
    documents = 1 + len(space.documents.datasets) + len(space.documents.releases)
    return CheckResult(
        allowed=not any(finding.level == "deny" for finding in findings),
        documents=documents,
        releases=names,
        findings=with_ends(findings, space.documents.read),
        rules=judged.of_check(rules.rules, request=changed is not None),
        waivers=tuple(waivers),
        later=ruled.later,
        trainings=tuple(trainings),
    )


def _expected(
    case: Case, found: tuple[Finding, ...]
) -> tuple[tuple[str, ...], tuple[Finding, ...]]:
    """What a training comes to, if the manifest asks for one and no rule denies it."""
    made = case.release.spec.synthesize
    if made is None or made.with_ not in registry.names():
        return (), ()
    trains = getattr(registry.get(made.with_), "uses_training", False)
    if not trains or any(finding.level == "deny" for finding in found):
        return (), ()
    from dpgate.gate.expected import expected  # it plans, which others need not wait for

    return expected(case)


def placed(case: Case, found: Iterable[Shortfall]) -> tuple[Finding, ...]:
    """Shortfalls as findings, at their places in the manifest."""
    made = []
    for shortfall in found:
        line, column = case.release_file.at("spec", *shortfall.path)
        made.append(
            Finding(
                rule=shortfall.rule, level=shortfall.level,
                message=shortfall.message, fix=shortfall.fix,
                file=case.release_file.file, line=line, column=column,
            )
        )  # fmt: skip
    return tuple(made)


def _changed(space: Workspace, base: str | None) -> tuple[tuple[str, ...], tuple[Finding, ...]]:
    """Manifests to judge, and what is wrong with the request itself; without a base all, and nothing."""
    if base is None:
        return tuple(space.documents.releases), ()
    from dpgate.gate.changes import changes, releases_of, request_findings  # it needs Git

    found = changes(space, base)
    return releases_of(space, found), tuple(request_findings(space, found))


def _whole(space: Workspace, policy: PrivacyPolicy) -> Iterator[Finding]:
    """What is wrong with policy and datasets, whatever is released."""
    yield from policy_findings(space, policy)
    for dataset_file in space.documents.datasets.values():
        yield from too_high(space.policy_file, dataset_file)


def _waiving(
    space: Workspace, cases: Iterable[Case], today: dt.date, later: frozenset[str]
) -> Iterator[tuple[Case, Waiving]]:
    """Each manifest with its waivers, claimed at most: no signature is judged without a ledger."""
    offers = unsigned(space.documents.waivers)
    ground = Ground(policy=policy_of(space.policy_file), day=today)
    for case in cases:
        bounds = rules_for(space.policy_file, case.dataset_file) if offers else ()
        yield case, waiving(offers, case.name, bounds, ground, later)


def judge(
    case: Case, policy: PrivacyPolicy, today: dt.date, proofs: Mapping[str, str] | None = None
) -> tuple[Finding, ...]:
    """What the rules of a policy say of one manifest on one day.

    Args:
        case: manifest and dataset.
        policy: the policy to judge by.
        today: the day, in the policy's time zone.
        proofs: kind of proof by synthesizer; those that are installed if None.
    """
    known = registry.proofs() if proofs is None else proofs
    findings = evaluate(policy, case.dataset_file, case.release_file, today, known)
    if any(finding.level == "deny" for finding in findings):
        return findings  # what is measured rests on what they are about
    return findings + measurable.findings(case)


def policy_findings(space: Workspace, policy: PrivacyPolicy) -> tuple[Finding, ...]:
    """What is wrong with the policy's own keys."""
    try:
        keyring(policy)
    except PolicyError as error:
        return (_policy_finding(space, error.message, error.fix, "roles"),)
    return tuple(
        _policy_finding(
            space,
            f"recipient {number} of role {role} {fault}",
            "make one with: dpgate keygen FILE --age",
            *("roles", role, "encrypt_to", number - 1),
        )
        for role, rule in policy.spec.roles.items()
        for number, text in enumerate(rule.encrypt_to, start=1)
        if (fault := validate_recipient(text))
    )


def _policy_finding(space: Workspace, message: str, fix: str, *path: str | int) -> Finding:
    line, column = space.policy_file.at("spec", *path)
    return Finding(
        rule="policy-keys",
        level="deny",
        message=message,
        fix=fix,
        file=space.policy_file.file,
        line=line,
        column=column,
    )
