"""What a plan says of approvals, refusals and authors: rows, findings, and what to do next."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping

from dpgate.gate.approvals import Binding, Judgement, Until, judge_release
from dpgate.gate.costing import Cost
from dpgate.gate.results import AUTHOR, ApprovalRow, RefusalRow
from dpgate.gate.signed import approval_files
from dpgate.gate.standing import Standing
from dpgate.gate.waivers import Decided
from dpgate.gate.workspace import Case, Workspace
from dpgate.ledger.roles import keyring
from dpgate.model.finding import Finding
from dpgate.model.policy import PrivacyPolicy
from dpgate.model.values import counted
from dpgate.policy.facts import Clock

REFUSED = "refused"
"""Id of the finding that a refusal makes. It stops a release, and nobody from approving."""

_SOON_DAYS = 3


def binding_of(
    case: Case, standing: Standing, cost: Cost | None, waivers: Iterable[Decided] = ()
) -> Binding:
    """What an approval of this release must name."""
    return Binding(
        root=standing.root,
        release=case.name,
        policy_set=standing.policy_set,
        manifest=case.release_file.digest,
        dataset=case.dataset_file.digest,
        cost=cost.spend if cost else None,
        waivers=tuple(each.offer.file.digest for each in waivers),
    )


def judged(
    space: Workspace,
    case: Case,
    standing: Standing,
    cost: Cost | None,
    time: Clock,
    used: tuple[Decided, ...],
) -> Judgement:
    """What the files beside a manifest say, on one ledger at one moment.

    Args:
        space: where the files are.
        case: the manifest.
        standing: the policy in force, and the past.
        cost: of one attempt; None where a rule denies: then only refusals count.
        time: the moment.
        used: the waivers that it uses.
    """
    found = judge_release(
        approval_files(space, f"releases/{case.name}"),
        binding_of(case, standing, cost, used),
        keyring(standing.policy),
        time.day,
        standing.past.used(case.name),
        standing.policy.spec.separation,
    )
    if cost is None:  # what it would cost is not known, so nobody can have consented to it
        return Judgement({}, (), (), refused=found.refused)
    return found


def rows(
    policy: PrivacyPolicy, roles: tuple[str, ...], approvals: Judgement, day: dt.date
) -> tuple[ApprovalRow, ...]:
    """One row a role, and one for the author where the policy separates duties."""
    made = [_row(policy, role, approvals, day) for role in roles]
    if policy.spec.separation is not None:
        by = tuple(sorted(approvals.authors))
        made.insert(0, ApprovalRow(role=AUTHOR, needed=1, have=min(len(by), 1), by=by))
    return tuple(made)


def refusals(approvals: Judgement) -> tuple[RefusalRow, ...]:
    """Refusals in force."""
    return tuple(
        RefusalRow(role=each.role, by=each.key, reason=each.reason, path=each.path)
        for each in approvals.refused
    )


def findings(
    release: str, approvals: Judgement, policy: PrivacyPolicy, roles: tuple[str, ...], day: dt.date
) -> tuple[Finding, ...]:
    """Refusals deny; an approval that is about to expire warns."""
    refused = [
        Finding(
            rule=REFUSED,
            level="deny",
            message=f"{each.role} refused it: {each.reason} (key {each.key})",
            fix=(
                "change what was refused; or the same key takes it back: "
                f"dpgate approve {release} --role {each.role} --key KEY"
            ),
            file=each.path,
            line=1,
            column=1,
        )
        for each in approvals.refused
    ]
    expiring = [
        Finding(
            rule="approval-expires",
            level="warn",
            enforcement="advisory",
            message=f"the approval by {role} counts until {first.day}: {_left(first.day, day)}",
            fix=f"release before, or approve again: dpgate approve {release} --role {role} --key KEY",
            file=first.path,
            line=1,
            column=1,
        )
        for role in roles
        if (first := _first(policy, role, approvals)) and (first.day - day).days <= _SOON_DAYS
    ]
    return (*refused, *expiring)


def step(
    release: str, policy: PrivacyPolicy, lacking: Mapping[str, int], approvals: Judgement
) -> str:
    """The command that comes next while a signature is missing."""
    separation = policy.spec.separation
    if separation is not None and not approvals.authors:
        return f"dpgate author {release} --role {separation.authors[0]} --key KEY"
    role = next(iter(lacking), "ROLE")  # a rule about approvals says in words whose it wants
    return f"dpgate approve {release} --role {role} --key KEY"


def _row(policy: PrivacyPolicy, role: str, approvals: Judgement, day: dt.date) -> ApprovalRow:
    rule = policy.spec.roles.get(role)
    by = tuple(sorted(approvals.signed.get(role, frozenset())))
    first = _first(policy, role, approvals)
    return ApprovalRow(
        role=role,
        needed=rule.threshold if rule else 1,
        have=len(by),
        by=by,
        until=str(first.day) if first else "",
        days_left=(first.day - day).days if first else None,
    )


def _first(policy: PrivacyPolicy, role: str, approvals: Judgement) -> Until | None:
    """The approval whose end leaves the role with too few keys, or with one fewer if it has too few.

    A key counts for as long as the last of its approvals.
    """
    last: dict[str, Until] = {}
    for each in approvals.until:
        if each.role == role and (each.key not in last or each.day > last[each.key].day):
            last[each.key] = each
    ends = sorted(last.values(), key=lambda each: each.day)
    rule = policy.spec.roles.get(role)
    spare = len(ends) - (rule.threshold if rule else 1)
    return ends[max(spare, 0)] if ends else None


def _left(last: dt.date, day: dt.date) -> str:
    days = (last - day).days
    return f"{counted(days, 'day')} left" if days else "today is its last day"
