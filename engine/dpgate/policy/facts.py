"""Facts of a release that rules, scopes and approvals are decided on."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dpgate.errors import PolicyError
from dpgate.model.columns import DomainColumn, TextColumn
from dpgate.model.dataset import Dataset
from dpgate.model.policy import PrivacyPolicy
from dpgate.model.record import Facts
from dpgate.model.release import Release
from dpgate.policy.windows import hour_of, moment_of


def facts_of(dataset: Dataset, release: Release) -> Facts:
    """The facts that are recorded; columns that the dataset does not have are left out."""
    spec = dataset.spec
    names = [n for n in release.spec.columns if n in spec.columns or n in spec.derive]
    described = {n: spec.columns[n] for n in names if n in spec.columns}
    learned = {n: c for n, c in described.items() if isinstance(c, DomainColumn)}
    return Facts(
        populations=(spec.population, *spec.shares_people_with),
        type=release.spec.type,
        purpose=release.spec.purpose,
        recipients=release.spec.recipients,
        sensitivities=tuple(sorted({column.sensitivity for column in described.values()})),
        groups=tuple(sorted({group for column in learned.values() for group in column.groups})),
        regions=release.spec.regions,
        columns=tuple(n for n in names if not isinstance(described.get(n), TextColumn)),
        quasi_identifiers=tuple(n for n, column in learned.items() if column.quasi_identifier),
    )


def required_evidence(policy: PrivacyPolicy, release: Release) -> tuple[str, ...]:
    """Metrics of the policy's required evidence that a release of this type can be measured by.

    The distance of marginals is about synthetic rows: statistics carry their own accuracy.
    """
    required = policy.spec.evidence.required
    if release.spec.type == "synthetic":
        return required
    return tuple(metric for metric in required if metric != "marginal_tvd")


@dataclass(frozen=True)
class Clock:
    """One moment, as the policy's time zone sees it."""

    hour: str
    """UTC hour as records hold it."""
    day: dt.date
    """Calendar day of that hour in the policy's time zone."""


def zone_of(policy: PrivacyPolicy) -> ZoneInfo:
    """The policy's time zone.

    Raises:
        PolicyError: it is unknown.
    """
    try:
        return ZoneInfo(policy.spec.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise PolicyError(
            f"unknown time zone {policy.spec.timezone!r}",
            fix="use an IANA name such as America/New_York or UTC",
        ) from None


def clock(policy: PrivacyPolicy, moment: dt.datetime) -> Clock:
    """The moment (aware) as records and calendar windows see it.

    Raises:
        PolicyError: the policy's time zone is unknown.
    """
    return clock_of(policy, hour_of(moment))


def clock_of(policy: PrivacyPolicy, hour: str) -> Clock:
    """The hour of a record, as the policy's time zone sees it."""
    return Clock(hour, moment_of(hour).astimezone(zone_of(policy)).date())
