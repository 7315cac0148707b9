"""Facts of a release that rules, scopes and approvals are decided on."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dpgate.errors import PolicyError
from dpgate.model.dataset import Dataset
from dpgate.model.policy import PrivacyPolicy
from dpgate.model.record import Facts
from dpgate.model.release import Release


def facts_of(dataset: Dataset, release: Release) -> Facts:
    """The facts that are recorded; columns that the dataset does not have are left out."""
    columns = dataset.spec.columns
    classes = {columns[name].sensitivity for name in release.spec.columns if name in columns}
    return Facts(
        population=dataset.spec.population,
        purpose=release.spec.purpose,
        recipients=release.spec.recipients,
        sensitivities=tuple(sorted(classes)),
    )


@dataclass(frozen=True)
class Clock:
    """One moment, as the policy's time zone sees it."""

    hour: str
    """UTC hour as records hold it."""
    day: dt.date
    """Calendar day in the policy's time zone."""


def clock(policy: PrivacyPolicy, moment: dt.datetime) -> Clock:
    """The moment (aware) as records and calendar windows see it.

    Raises:
        PolicyError: the policy's time zone is unknown.
    """
    utc = moment.astimezone(dt.UTC).replace(minute=0, second=0, microsecond=0)
    try:
        zone = ZoneInfo(policy.spec.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise PolicyError(
            f"unknown time zone {policy.spec.timezone!r}",
            fix="use an IANA name such as America/New_York or UTC",
        ) from None
    return Clock(utc.strftime("%Y-%m-%dT%H:00:00Z"), utc.astimezone(zone).date())


def moment_of(hour: str) -> dt.datetime:
    """The moment that a record's hour names."""
    return dt.datetime.strptime(hour, "%Y-%m-%dT%H:00:00Z").replace(tzinfo=dt.UTC)
