"""What the ledger says of earlier attempts: from a chain, from the index, and at every place."""

from __future__ import annotations

from pathlib import Path

import pytest

from dpgate.gate.index import Index
from dpgate.gate.past import ChainPast, before_each
from dpgate.ledger.chain import Link, link_up
from dpgate.ledger.keys import generate, load_private
from dpgate.model.history import PastRelease
from tests.unit.ledger import records


@pytest.fixture
def links(tmp_path: Path) -> tuple[Link, ...]:
    """One release that was withdrawn, one attempt that failed, one that is open."""
    generate(tmp_path / "runner", "runner")
    key = load_private(tmp_path / "runner")
    made = records.history(key)[:4]
    made += (records.link(records.reserve(made, "visits/two"), key),)
    failed = records.settle(made, made[4], outcome="failed", artifacts=())
    made += (records.link(failed, key),)
    made += (records.link(records.withdraw(made, made[1]), key),)
    return (*made, records.link(records.reserve(made, "visits/two", attempt=2), key))


def test_history_is_every_attempt_as_it_stands(links: tuple[Link, ...]) -> None:
    history = ChainPast(link_up(links), (4,)).history()
    assert [(past.release, past.entry, past.outcome) for past in history] == [
        ("visits/one", 2, "withdrawn"),
        ("visits/two", 5, "failed"),
        ("visits/two", 8, "open"),
    ]
    assert history[0].facts.recipients == ("acme",)
    assert history[0].epsilon == 1
    assert history[0].time == links[1].entry.time


def test_the_index_tells_the_same_history(links: tuple[Link, ...], tmp_path: Path) -> None:
    index = Index(tmp_path / "index.sqlite")
    expected = [ChainPast(link_up(links[:count]), (4,)).history() for count in (4, 8)]
    index.extend(links[:4])
    assert index.history() == expected[0]
    index.extend(links[4:])
    assert index.history() == expected[1]
    index.close()


def test_before_each_reservation_the_history_is_that_of_its_moment(
    links: tuple[Link, ...],
) -> None:
    seen: dict[int, list[PastRelease]] = {}
    for link, before in before_each(links):
        seen[link.entry.sequence] = list(before)
    assert {number: [past.outcome for past in pasts] for number, pasts in seen.items()} == {
        2: [],
        5: ["released"],
        8: ["withdrawn", "failed"],
    }
    for number, pasts in seen.items():
        chain = link_up(links[: number - 1])
        assert tuple(pasts) == ChainPast(chain, (4,)).history()
