"""Which waivers are in force: each thing that one rests on is taken away in turn, and it is not."""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from dpgate.errors import DocumentError
from dpgate.gate.waivers import Decided, Ground, Offer, decide
from dpgate.ledger import envelope
from dpgate.loading.canonical import sha256
from dpgate.loading.documents import load
from dpgate.model.record import Document
from dpgate.policy.facts import clock
from tests.suites.waiving import ALL, DAY, RELEASE, Bench, bench


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return bench(tmp_path_factory.mktemp("keys"))


def one(offer: Offer, ground: Ground) -> Decided:
    (decided,) = decide([offer], RELEASE, ground)
    return decided


def day(ground: Ground, days: int) -> Ground:
    return dataclasses.replace(ground, day=ground.day + dt.timedelta(days=days))


def test_a_waiver_that_everybody_signed_is_in_force(people: Bench) -> None:
    offer = people.offer(*ALL)
    decided = one(offer, people.ground)
    assert decided
    assert decided.state == "in-force"
    assert decided.counted == offer.signatures
    assert (decided.rule, decided.path) == ("few-rows", "policies/waivers/terms.yaml")


@pytest.mark.parametrize(
    ("signers", "lacking"),
    [
        ((), {"privacy": 1, "legal": 2}),
        ((("ann", "privacy"),), {"legal": 2}),
        ((("ann", "privacy"), ("bob", "legal")), {"legal": 1}),
        ((("bob", "legal"), ("eve", "legal")), {"privacy": 1}),
        ((("ann", "privacy"), ("ann", "legal"), ("bob", "legal")), {"legal": 1}),
        ((("mallory", "privacy"), ("bob", "legal"), ("eve", "legal")), {"privacy": 1}),
        ((("runner", "runner"), ("bob", "legal"), ("eve", "legal")), {"privacy": 1}),
    ],
)
def test_every_role_signs_at_its_threshold_by_distinct_keys(
    people: Bench, signers: tuple[tuple[str, str], ...], lacking: dict[str, int]
) -> None:
    decided = one(people.offer(*signers), people.ground)
    assert not decided
    assert (decided.state, decided.lacking) == ("unsigned", lacking)
    assert "missing" in decided.why


def test_one_key_twice_is_one_key(people: Bench) -> None:
    offer = people.offer(("ann", "privacy"), ("bob", "legal"))
    again = people.signature(offer, "bob", "legal", nonce="1" * 32)
    decided = one(dataclasses.replace(offer, signatures=(*offer.signatures, again)), people.ground)
    assert (decided.state, decided.lacking) == ("unsigned", {"legal": 1})


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"root": "sha256:" + "9" * 64}, "it is for another repository"),
        ({"release": "clinic-visits/other"}, "it was given for another release"),
        ({"rule": "no-acme"}, "it was given for another rule"),
        ({"policy_set": "sha256:" + "9" * 64}, "under another version of the policy"),
        ({"expires": DAY + dt.timedelta(days=9)}, "it was given for another last day"),
        ({"waiver": "sha256:" + "9" * 64}, "it was given for another version of the waiver"),
        ({"role": "chief"}, "the policy has no role chief"),
    ],
)
def test_a_signature_binds_everything(people: Bench, changes: dict[str, Any], why: str) -> None:
    offer = people.offer(*ALL[1:])
    mine = people.signature(offer, "ann", **{"role": "privacy", **changes})
    decided = one(dataclasses.replace(offer, signatures=(*offer.signatures, mine)), people.ground)
    assert decided.state == "unsigned"
    assert why in decided.why


def test_a_waiver_edited_after_it_was_signed_is_unsigned(people: Bench) -> None:
    signed = people.offer(*ALL)
    edited = load(signed.file.file, signed.file.data + b"# a comment\n")
    decided = one(Offer(edited, signed.signatures), people.ground)
    assert decided.lacking == {"privacy": 1, "legal": 2}
    assert "another version of the waiver" in decided.why


def test_an_approval_of_something_else_is_no_signature(people: Bench) -> None:
    offer = people.offer(*ALL[1:])
    sealed = envelope.parse(offer.signatures[0].text.encode())
    two = envelope.seal(sealed.payload, [people.keys["bob"], people.keys["eve"]]).to_bytes()
    strange = Document(
        path="policies/waivers/terms/approvals/x.json", sha256=sha256(two), text=two.decode()
    )
    decided = one(Offer(offer.file, (strange,)), people.ground)
    assert "more than one signature" in decided.why


def test_the_last_day_counts_and_the_next_does_not(people: Bench) -> None:
    offer = people.offer(*ALL)
    assert one(offer, people.ground)
    late = one(offer, day(people.ground, 1))
    assert (late.state, late.why) == ("expired", "it expired on 2026-11-22")


@pytest.mark.parametrize(
    ("zone", "moment", "state"),
    [
        ("Pacific/Kiritimati", "2026-11-22T09:59", "in-force"),
        ("Pacific/Kiritimati", "2026-11-22T10:00", "expired"),
        ("America/Los_Angeles", "2026-11-23T07:59", "in-force"),
        ("America/Los_Angeles", "2026-11-23T08:00", "expired"),
        ("UTC", "2026-11-22T23:59", "in-force"),
        ("UTC", "2026-11-23T00:00", "expired"),
    ],
)
def test_the_day_is_that_of_the_policys_time_zone(
    tmp_path: Path, zone: str, moment: str, state: str
) -> None:
    people = bench(tmp_path, "timezone: UTC", f"timezone: {zone}")
    now = dt.datetime.fromisoformat(f"{moment}+00:00")
    ground = dataclasses.replace(people.ground, day=clock(people.policy, now).day)
    assert one(people.offer(*ALL), ground).state == state


def test_a_waiver_may_not_reach_further_than_the_policy_allows(people: Bench) -> None:
    far = people.offer(*ALL, expires=DAY + dt.timedelta(days=31))
    decided = one(far, people.ground)
    assert decided.state == "refused"
    assert "more than the 30 days ahead" in decided.why
    assert one(far, day(people.ground, 1))


def test_a_policy_without_waivers_admits_none(tmp_path: Path) -> None:
    people = bench(tmp_path, "  waivers: {roles: [privacy, legal], days_at_most: 30, at_most: 1}\n")
    for root in (people.ground.root, None):
        decided = one(people.offer(*ALL), dataclasses.replace(people.ground, root=root))
        assert decided.state == "refused"
        assert "admits no waivers" in decided.why


def test_waivers_of_other_releases_are_left_out(people: Bench) -> None:
    assert decide([people.offer(*ALL, release="clinic-visits/other")], RELEASE, people.ground) == ()


def test_of_two_for_one_rule_the_first_is_in_force(people: Bench) -> None:
    first, second = (people.offer(*ALL, name=name) for name in ("a", "b"))
    unsigned = people.offer(name="z")
    states = [d.state for d in decide([unsigned, first, second], RELEASE, people.ground)]
    assert states == ["unsigned", "in-force", "refused"]


def test_more_than_the_policy_allows_and_none_is_in_force(people: Bench) -> None:
    offers = [people.offer(*ALL, name="a"), people.offer(*ALL, name="b", rule="polite")]
    for ground in (people.ground, dataclasses.replace(people.ground, root=None)):
        decided = decide(offers, RELEASE, ground)
        assert {each.state for each in decided} == {"refused"}
        assert "2 waivers would be in force for this release; the policy allows 1" in decided[0].why
        assert decided[0].counted == ()


def test_without_a_ledger_a_waiver_is_claimed_at_most(people: Bench) -> None:
    ground = dataclasses.replace(people.ground, root=None, ring={}, policy_set="")
    decided = one(people.offer(), ground)
    assert decided
    assert decided.state == "claimed"
    assert one(people.offer(), day(ground, 1)).state == "expired"


def test_whatever_plan_lets_through_check_lets_through_and_not_the_reverse(people: Bench) -> None:
    """`check` may claim what `plan` refuses; it never refuses what `plan` would admit."""
    for days in (-31, -30, 0, 1):
        for signers in ((), ALL):
            ground = day(people.ground, days)
            planned = one(people.offer(*signers), ground)
            checked = one(people.offer(*signers), dataclasses.replace(ground, root=None))
            assert checked or not planned


def test_a_policy_must_give_keys_to_the_roles_that_waive(tmp_path: Path) -> None:
    with pytest.raises(DocumentError) as caught:
        bench(tmp_path, "waivers: {roles: [privacy, legal]", "waivers: {roles: [chief]")
    assert "role chief must approve but has no keys" in caught.value.problems[0].message
