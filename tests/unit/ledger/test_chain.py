"""The chain: whatever is dropped, doubled, moved or closed twice is found, and named."""

from __future__ import annotations

from typing import Any

import pytest

from dpgate.errors import ChainError, LedgerError, SignatureError
from dpgate.ledger import envelope
from dpgate.ledger.chain import (
    Link,
    file_name,
    link_up,
    read,
    read_link,
    subjects,
)
from dpgate.ledger.keys import PrivateKey
from dpgate.ledger.statement import statement
from dpgate.model.record import Artifact, PolicyApproval, Settle
from tests.unit.ledger import records


@pytest.fixture
def links(key: PrivateKey) -> tuple[Link, ...]:
    return records.history(key)


def test_a_whole_chain_links_up_and_answers(links: tuple[Link, ...]) -> None:
    chain = link_up(links)
    assert chain.root == links[0].digest
    assert chain.head is links[4]
    assert [link.entry.sequence for link, _ in chain.reserves] == [2, 5]
    assert chain.settles[links[1].digest][0] is links[2]
    assert [link.entry.sequence for link, _ in chain.open] == [5]
    assert [link.entry.sequence for link, _ in chain.attempts("visits/one")] == [2]
    assert chain.attempts("visits/none") == ()
    closed = chain.released("visits/one")
    assert closed == (links[1].entry, links[2].entry)
    assert chain.withdrawn("visits/one") is None
    assert chain.released("visits/two") is None
    assert links[2].path == "releases/ledger/000003-settle.dsse.json"


def test_each_entry_stands_under_the_policy_last_adopted_before_it(
    links: tuple[Link, ...],
) -> None:
    chain = link_up(links)
    assert [chain.policy_at(n).text for n in (2, 4, 5)] == ["first", "first", "second"]
    assert chain.policy.text == "second"
    with pytest.raises(ChainError, match="no policy was adopted before entry 1"):
        chain.policy_at(1)


def test_files_are_read_in_order_of_their_names(links: tuple[Link, ...]) -> None:
    files = {link.name: link.envelope.to_bytes() for link in reversed(links)}
    assert read(files) == links


def test_an_empty_ledger_is_no_chain() -> None:
    with pytest.raises(ChainError, match="empty"):
        link_up(())


@pytest.mark.parametrize("dropped", [0, 1, 2, 3])
def test_a_dropped_entry_is_found(links: tuple[Link, ...], dropped: int) -> None:
    with pytest.raises(ChainError, match=rf"00000{dropped + 2}.*expected entry {dropped + 1}"):
        link_up(links[:dropped] + links[dropped + 1 :])


def test_a_dropped_tail_still_links_up_so_that_only_memory_finds_it(
    links: tuple[Link, ...],
) -> None:
    assert len(link_up(links[:3]).links) == 3


def test_entries_in_another_order_are_found(links: tuple[Link, ...]) -> None:
    with pytest.raises(ChainError, match="expected entry 2"):
        link_up((links[0], links[2], links[1], *links[3:]))


def test_an_entry_that_stands_twice_is_found(links: tuple[Link, ...]) -> None:
    with pytest.raises(ChainError, match="expected entry 3"):
        link_up((*links[:2], links[1], *links[2:]))


def test_a_sibling_in_place_of_an_entry_is_found(links: tuple[Link, ...], key: PrivateKey) -> None:
    sibling = records.link(records.reserve(links[:1], attempt=2), key)
    with pytest.raises(ChainError, match=r"000003-settle.*does not follow the entry before it"):
        link_up((links[0], sibling, *links[2:]))


def changed(links: tuple[Link, ...], key: PrivateKey, **changes: Any) -> tuple[Link, ...]:
    return (*links, records.link(records.reserve(links, "visits/three", **changes), key))


def test_a_chain_of_another_repository_is_found(links: tuple[Link, ...], key: PrivateKey) -> None:
    with pytest.raises(ChainError, match="belongs to another repository"):
        link_up(changed(links, key, root="sha256:" + "1" * 64))
    with pytest.raises(ChainError, match="belongs to another repository"):
        link_up(changed(links, key, root=None))


def test_a_genesis_has_nothing_before_it(key: PrivateKey) -> None:
    other = records.genesis(previous="sha256:" + "1" * 64)
    with pytest.raises(ChainError, match="does not follow"):
        link_up((records.link(other, key),))


def test_time_never_goes_back(links: tuple[Link, ...], key: PrivateKey) -> None:
    assert len(link_up(changed(links, key, time=links[-1].entry.time)).links) == 6
    with pytest.raises(ChainError, match=r"000006-reserve.*time lies before"):
        link_up(changed(links, key, time=records.HOUR.format(3)))


def test_a_second_genesis_is_found(links: tuple[Link, ...], key: PrivateKey) -> None:
    again = records.genesis(**{**records.place(links), "nonce": "1" * 32})
    with pytest.raises(ChainError, match="genesis is entry 1 and no other"):
        link_up((*links, records.link(again, key)))


def test_a_chain_begins_with_a_genesis(key: PrivateKey) -> None:
    with pytest.raises(ChainError, match="genesis is entry 1"):
        link_up((records.link(records.reserve(()), key),))


OUTCOMES = ("released", "gate-failed", "failed", "abandoned")


def closing(links: tuple[Link, ...], closes: Link, outcome: str) -> Settle:
    artifacts = {} if outcome == "released" else {"artifacts": ()}
    return records.settle(links, closes, outcome=outcome, **artifacts)


@pytest.mark.parametrize("first", OUTCOMES)
@pytest.mark.parametrize("then", OUTCOMES)
def test_a_reservation_is_closed_once(
    links: tuple[Link, ...], key: PrivateKey, first: str, then: str
) -> None:
    closed = (*links, records.link(closing(links, links[4], first), key))
    assert link_up(closed).open == ()
    again = records.link(closing(closed, links[4], then), key)
    with pytest.raises(ChainError, match=f"000007-settle.*{first} cannot become {then}"):
        link_up((*closed, again))


def test_what_was_released_can_be_withdrawn_once_and_nothing_else_can(
    links: tuple[Link, ...], key: PrivateKey
) -> None:
    gone = (*links, records.link(records.withdraw(links, links[1]), key))
    chain = link_up(gone)
    assert chain.withdrawn("visits/one") == gone[5].entry
    assert chain.released("visits/one") == (links[1].entry, links[2].entry)
    assert subjects(gone[5].entry) == {"reservation": links[1].digest}
    again = records.link(records.withdraw(gone, links[1]), key)
    with pytest.raises(ChainError, match="withdrawn cannot become withdrawn"):
        link_up((*gone, again))
    late = records.link(records.settle(gone, links[1]), key)
    with pytest.raises(ChainError, match="withdrawn cannot become released"):
        link_up((*gone, late))
    early = records.link(records.withdraw(links, links[4]), key)
    with pytest.raises(ChainError, match="reserved cannot become withdrawn"):
        link_up((*links, early))


def test_rows_are_drawn_from_what_stands_any_number_of_times(
    links: tuple[Link, ...], key: PrivateKey
) -> None:
    drawn = (*links, records.link(records.sample(links, links[1]), key))
    drawn = (*drawn, records.link(records.sample(drawn, links[1]), key))
    chain = link_up(drawn)
    assert chain.samples_of("visits/one") == (6, 7)
    assert chain.samples_of("visits/two") == ()
    assert chain.states[links[1].digest] == "released"
    assert subjects(drawn[5].entry) == {"data.csv": "sha256:" + "5" * 64}
    gone = (*drawn, records.link(records.withdraw(drawn, links[1]), key))
    late = records.link(records.sample(gone, links[1]), key)
    with pytest.raises(
        ChainError, match=r"000009-sample.*what is withdrawn cannot be sampled from"
    ):
        link_up((*gone, late))


def test_rows_are_drawn_from_nothing_else(links: tuple[Link, ...], key: PrivateKey) -> None:
    early = records.link(records.sample(links, links[4]), key)
    with pytest.raises(ChainError, match="what is reserved cannot be sampled from"):
        link_up((*links, early))
    strange = records.sample(links, links[1], reserve="sha256:" + "9" * 64)
    with pytest.raises(ChainError, match="what was never reserved cannot be sampled from"):
        link_up((*links, records.link(strange, key)))
    other = records.sample(links, links[1], release="visits/two")
    with pytest.raises(ChainError, match="draws from a reservation of another release"):
        link_up((*links, records.link(other, key)))


def test_a_release_is_released_once(links: tuple[Link, ...], key: PrivateKey) -> None:
    again = (*links, records.link(records.reserve(links, "visits/one", attempt=2), key))
    failed = records.link(closing(again, again[5], "failed"), key)
    assert len(link_up((*again, failed)).links) == 7
    second = records.link(records.settle(again, again[5]), key)
    with pytest.raises(ChainError, match="visits/one was released before, and is only once"):
        link_up((*again, second))


@pytest.mark.parametrize("place", [0, 2, None])
def test_only_a_reservation_made_before_can_be_closed(
    links: tuple[Link, ...], key: PrivateKey, place: int | None
) -> None:
    digest = "sha256:" + "1" * 64 if place is None else links[place].digest
    entry = records.settle(links, links[4], reserve=digest)
    with pytest.raises(ChainError, match="nothing was reserved that could be released"):
        link_up((*links, records.link(entry, key)))


def test_a_reservation_is_closed_for_its_own_release(
    links: tuple[Link, ...], key: PrivateKey
) -> None:
    entry = records.settle(links, links[4], release="visits/one")
    with pytest.raises(ChainError, match="reservation of another release"):
        link_up((*links, records.link(entry, key)))


@pytest.mark.parametrize(
    "name",
    [
        "000001-genesis.json",
        "1-genesis.dsse.json",
        "000001-party.dsse.json",
        "README.md",
        "000001-genesis.dsse.json\n",
        "../000001-genesis.dsse.json",
    ],
)
def test_other_files_have_no_place_in_the_ledger(key: PrivateKey, name: str) -> None:
    with pytest.raises(ChainError, match="not the name of a ledger entry"):
        read_link(name, records.signed(records.genesis(), key))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("000001-reserve.dsse.json", "another kind than its name says"),
        ("000002-genesis.dsse.json", "holds entry 1, which its name does not say"),
        ("0000001-genesis.dsse.json", "which its name does not say"),
    ],
)
def test_a_name_says_what_the_file_holds(key: PrivateKey, name: str, message: str) -> None:
    with pytest.raises(ChainError, match=message):
        read_link(name, records.signed(records.genesis(), key))


def test_a_file_of_anything_else_is_named(key: PrivateKey) -> None:
    with pytest.raises(SignatureError, match=r"releases/ledger/000001-genesis.*not a DSSE"):
        read_link("000001-genesis.dsse.json", b"{}")
    approval = PolicyApproval(
        root=None, role="privacy", previous=None, policy_set=records.POLICY.sha256
    )
    payload = statement(approval, {"policy": approval.policy_set}).payload()
    with pytest.raises(ChainError, match="another kind"):
        read_link("000001-genesis.dsse.json", envelope.seal(payload, [key]).to_bytes())
    with pytest.raises(ChainError, match=r"000001-genesis.*not a statement"):
        read_link("000001-genesis.dsse.json", envelope.seal(b"{}", [key]).to_bytes())


def test_subjects_are_what_the_entry_is_about(key: PrivateKey) -> None:
    entry = records.genesis()
    for given in ({}, {"policies/organization.yaml": "sha256:" + "0" * 64}, {"x": "sha256:0"}):
        data = envelope.seal(statement(entry, given).payload(), [key]).to_bytes()
        with pytest.raises(ChainError, match="subjects are not what the entry is about"):
            read_link(file_name(entry), data)


def test_a_settlement_is_about_its_artifacts_or_else_its_reservation(
    links: tuple[Link, ...],
) -> None:
    released = records.settle(links, links[4])
    assert subjects(released) == {"data.csv": "sha256:" + "0" * 64}
    abandoned = records.settle(links, links[4], outcome="abandoned", artifacts=())
    assert subjects(abandoned) == {"reservation": links[4].digest}


@pytest.mark.parametrize(
    ("outcome", "artifacts"),
    [
        ("released", ()),
        ("released", (Artifact(name="e.age", sha256="sha256:" + "0" * 64, sealed=True),)),
        ("gate-failed", (Artifact(name="data.csv", sha256="sha256:" + "0" * 64),)),
    ],
)
def test_artifacts_go_with_a_release_and_with_nothing_else(
    links: tuple[Link, ...], outcome: str, artifacts: tuple[Artifact, ...]
) -> None:
    with pytest.raises(ValueError, match="artifacts go with the outcome released"):
        records.settle(links, links[4], outcome=outcome, artifacts=artifacts)


def test_every_fault_of_a_chain_is_an_integrity_failure() -> None:
    assert {ChainError.exit_code, SignatureError.exit_code, LedgerError.exit_code} == {3}
