"""Windows of time that quotas count in, as hours of the ledger."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from dpgate.model.policy import Quota

LIFETIME_SINCE = "0000-01-01T00:00:00Z"


@dataclass(frozen=True)
class Window:
    """Everything from an hour on; entries that come later than the one judged do not exist yet.

    Attributes:
        name: ``lifetime``, ``2026-11``, ``2026-Q4``, ``2026`` or ``90-days``.
        since: the first UTC hour that counts, as records write it.
    """

    name: str
    since: str


LIFETIME = Window("lifetime", LIFETIME_SINCE)


def window_of(quota: Quota, hour: str, zone: ZoneInfo) -> Window:
    """The window of a quota that an hour lies in.

    Calendar windows begin at local midnight. A rolling window of n days ends with this hour and
    leaves out the hour n days before it.
    """
    moment = moment_of(hour)
    if quota.rolling_days is not None:
        first = moment - dt.timedelta(days=quota.rolling_days) + dt.timedelta(hours=1)
        return Window(f"{quota.rolling_days}-days", hour_of(first))
    local = moment.astimezone(zone)
    if quota.every == "month":
        return Window(f"{local.year}-{local.month:02d}", _midnight(local.year, local.month, zone))
    if quota.every == "quarter":
        quarter = (local.month + 2) // 3
        return Window(f"{local.year}-Q{quarter}", _midnight(local.year, 3 * quarter - 2, zone))
    if quota.every == "year":
        return Window(str(local.year), _midnight(local.year, 1, zone))
    return LIFETIME


def _midnight(year: int, month: int, zone: ZoneInfo) -> str:
    """The first whole UTC hour of a local month: records know no half hours."""
    start = dt.datetime(year, month, 1, tzinfo=zone).astimezone(dt.UTC)
    floor = start.replace(minute=0, second=0, microsecond=0)
    return hour_of(floor if floor == start else floor + dt.timedelta(hours=1))


def moment_of(hour: str) -> dt.datetime:
    """The moment that a record's hour names."""
    return dt.datetime.fromisoformat(hour)


def hour_of(moment: dt.datetime) -> str:
    """The UTC hour of an aware moment, as records hold it: ``2026-11-22T18:00:00Z``."""
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:00:00Z")
