"""Facts that decide, and the clock that windows and expiry dates go by."""

from __future__ import annotations

import datetime as dt

import pytest

from dpgate.errors import PolicyError
from dpgate.policy.facts import clock, clock_of, facts_of
from tests.unit.policy.worlds import DATASET, POLICY, RELEASE, dataset, policy, release


def test_facts_are_those_of_the_released_columns() -> None:
    facts = facts_of(dataset(), release())
    assert facts.populations == ("clinic-patients",)
    assert facts.purpose == "vendor-testing"
    assert facts.recipients == ("acme-scheduling",)
    assert facts.sensitivities == ("demographic", "phi")
    assert (facts.type, facts.groups) == ("synthetic", ())


def test_groups_and_shared_populations_are_facts() -> None:
    changes = {
        DATASET: {
            "  neighboring:": "  shares_people_with: [staff, students]\n  neighboring:",
            "{type: boolean, sensitivity: phi,": (
                "{type: boolean, groups: [b-group, a-group], sensitivity: phi,"
            ),
            "{type: integer, sensitivity: phi,": "{type: integer, groups: [a-group], sensitivity: phi,",
        }
    }
    facts = facts_of(dataset(changes), release())
    assert facts.populations == ("clinic-patients", "staff", "students")
    assert facts.groups == ("a-group", "b-group")


def test_columns_that_the_dataset_does_not_have_are_left_out() -> None:
    changes = {
        DATASET: {
            "    age_group:": "    mrn: {type: identifier, sensitivity: phi}\n    age_group:"
        },
        RELEASE: {
            "[age_group, clinic, length_minutes, reason, follow_up]": "[nothing, mrn, clinic]"
        },
    }
    assert facts_of(dataset(changes), release(changes)).sensitivities == ("demographic", "phi")


@pytest.mark.parametrize(
    ("zone", "moment", "hour", "day"),
    [
        ("UTC", "2026-12-31T23:59:59+00:00", "2026-12-31T23:00:00Z", "2026-12-31"),
        ("Asia/Tokyo", "2026-12-31T23:59:59+00:00", "2026-12-31T23:00:00Z", "2027-01-01"),
        ("America/New_York", "2027-01-01T04:59:59+00:00", "2027-01-01T04:00:00Z", "2026-12-31"),
        ("America/New_York", "2027-01-01T05:00:00+00:00", "2027-01-01T05:00:00Z", "2027-01-01"),
        ("UTC", "2027-01-01T01:30:00+02:00", "2026-12-31T23:00:00Z", "2026-12-31"),
        ("Asia/Kolkata", "2026-12-31T18:45:00+00:00", "2026-12-31T18:00:00Z", "2026-12-31"),
    ],
)
def test_a_moment_is_seen_in_the_policys_time_zone(
    zone: str, moment: str, hour: str, day: str
) -> None:
    made = policy({POLICY: {"timezone: UTC": f"timezone: {zone}"}})
    seen = clock(made, dt.datetime.fromisoformat(moment))
    assert (seen.hour, str(seen.day)) == (hour, day)
    assert clock_of(made, hour) == seen


@pytest.mark.parametrize("zone", ["Moon/Base", "../etc/passwd", "America", "/etc/localtime"])
def test_an_unknown_time_zone_is_an_error_of_the_policy(zone: str) -> None:
    made = policy({POLICY: {"timezone: UTC": f"timezone: {zone}"}})
    with pytest.raises(PolicyError, match="unknown time zone"):
        clock_of(made, "2026-11-22T18:00:00Z")


def test_later_releases_can_tell_which_columns_and_countries_this_one_had() -> None:
    changes = {
        DATASET: {
            "    age_group:": "    note: {type: text, sensitivity: phi}\n    age_group:",
            "{type: boolean, sensitivity: phi,": (
                "{type: boolean, quasi_identifier: true, sensitivity: phi,"
            ),
        },
        RELEASE: {
            "[age_group,": "[note, nothing, age_group,",
            "regions: [US]": "regions: [US, CH]",
        },
    }
    facts = facts_of(dataset(changes), release(changes))
    assert facts.regions == ("US", "CH")
    assert facts.columns == ("age_group", "clinic", "length_minutes", "reason", "follow_up")
    assert facts.quasi_identifiers == ("age_group", "clinic", "follow_up")
