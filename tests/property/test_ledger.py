"""The ledger under random histories: what verifies is read back, and any other chain is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpgate.accounting.filter import Spend
from dpgate.errors import ChainError, LedgerError, SignatureError
from dpgate.ledger import envelope
from dpgate.ledger.chain import Link, link_up, read
from dpgate.ledger.envelope import parse, seal
from dpgate.ledger.keys import PrivateKey, generate, load_private
from dpgate.ledger.lifecycle import NEXT
from dpgate.model.record import Facts
from dpgate.policy.scopes import Tally, scopes
from tests.unit.ledger import records
from tests.unit.policy import test_scopes as budget


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> PrivateKey:
    path: Path = tmp_path_factory.mktemp("keys") / "runner"
    generate(path, "")
    return load_private(path)


STEPS = st.lists(
    st.sampled_from(["reserve", "released", "gate-failed", "abandoned", "policy"]),
    min_size=1,
    max_size=6,
)


def history(steps: list[str], key: PrivateKey) -> tuple[Link, ...]:
    """Any history that is possible: a step that closes takes the oldest open reservation."""
    links: tuple[Link, ...] = (records.link(records.genesis(), key),)
    pending: list[Link] = []
    for number, step in enumerate(steps):
        if step == "policy":
            entry = records.link(records.adopted(links, f"policy {number}"), key)
        elif step == "reserve" or not pending:
            entry = records.link(records.reserve(links, f"visits/r{number}"), key)
            pending.append(entry)
        else:
            artifacts = {} if step == "released" else {"artifacts": ()}
            closing = records.settle(links, pending.pop(0), outcome=step, **artifacts)
            entry = records.link(closing, key)
        links = (*links, entry)
    return links


@given(steps=STEPS)
@settings(max_examples=40, deadline=None)
def test_what_is_possible_links_up_and_is_read_back(steps: list[str], key: PrivateKey) -> None:
    links = history(steps, key)
    chain = link_up(links)
    assert read({link.name: link.envelope.to_bytes() for link in links}) == links
    assert len(chain.reserves) == len(chain.states)
    for link, _ in chain.reserves:
        state = chain.states[link.digest]
        assert (state == "reserved") == (link in [pair[0] for pair in chain.open])
        assert state in {"reserved", *NEXT["reserved"]}


def shuffled(links: tuple[Link, ...], data: st.DataObject) -> Iterator[tuple[Link, ...]]:
    """Chains that are not this one and not the beginning of it."""
    place = data.draw(st.integers(0, len(links) - 1))
    other = data.draw(st.integers(0, len(links) - 1))
    if place < len(links) - 1:
        yield links[:place] + links[place + 1 :]
    yield (*links[: place + 1], links[place], *links[place + 1 :])
    if links[place] != links[other]:
        swapped = list(links)
        swapped[place], swapped[other] = swapped[other], swapped[place]
        yield tuple(swapped)


@given(steps=STEPS, data=st.data())
@settings(max_examples=40, deadline=None)
def test_dropped_doubled_and_swapped_entries_are_found(
    steps: list[str], data: st.DataObject, key: PrivateKey
) -> None:
    for wrong in shuffled(history(steps, key), data):
        with pytest.raises(ChainError):
            link_up(wrong)


@given(steps=STEPS, data=st.data())
@settings(max_examples=100, deadline=None)
def test_any_one_byte_change_is_found(
    steps: list[str], data: st.DataObject, key: PrivateKey
) -> None:
    links = history(steps, key)
    files = {link.name: link.envelope.to_bytes() for link in links}
    name = data.draw(st.sampled_from(sorted(files)))
    position = data.draw(st.integers(0, len(files[name]) - 1))
    flip = data.draw(st.integers(1, 255))
    changed = bytearray(files[name])
    changed[position] ^= flip

    def judge() -> None:
        chain = link_up(read({**files, name: bytes(changed)}))
        for link in chain.links:
            link.envelope.signers([key.public])

    with pytest.raises(LedgerError):
        judge()


@given(
    payload=st.binary(max_size=300), mutation=st.binary(min_size=1, max_size=40), at=st.integers(0)
)
@settings(max_examples=200, deadline=None)
def test_an_envelope_has_one_form_and_no_other_bytes_pass_for_it(
    payload: bytes, mutation: bytes, at: int, key: PrivateKey
) -> None:
    data = seal(payload, [key]).to_bytes()
    assert parse(data).signers([key.public]) == {key.public}
    place = at % len(data)
    other = data[:place] + mutation + data[place + len(mutation) :]
    if other == data:
        return
    with pytest.raises(SignatureError):
        parse(other).signers([key.public])


@given(body=st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=8,
))  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_whatever_else_a_file_holds_is_refused_in_our_own_words(body: object) -> None:
    data = json.dumps(body).encode()
    with pytest.raises(SignatureError):
        envelope.parse(data)
    shaped = {"payload": body, "payloadType": envelope.PAYLOAD_TYPE, "signatures": [body]}
    with pytest.raises(SignatureError):
        envelope.parse(json.dumps(shaped).encode())


RESERVATIONS = st.lists(
    st.tuples(
        st.integers(0, 24 * 400),
        st.sampled_from(["vendor-testing", "research"]),
        st.sets(st.sampled_from(["acme", "zeta", "omega"]), min_size=1),
        st.decimals("0.000001", "5", places=6),
    ),
    max_size=12,
)
QUOTAS = (
    "every: month, epsilon: 3",
    "every: quarter, epsilon: 3",
    "rolling_days: 30, epsilon: 3",
    'recipient: "*", every: year, epsilon: 3',
    "purpose: research, lifetime: true, epsilon: 3",
)


@given(past=RESERVATIONS)
@settings(max_examples=60, deadline=None)
def test_a_tally_is_the_plain_sum_and_never_falls_within_a_window(
    past: list[tuple[int, str, set[str], Decimal]],
) -> None:
    made = budget.with_quotas(*QUOTAS)
    tally = Tally(budget.ORDERS)
    seen: list[tuple[str, Facts, Spend]] = []
    last: dict[str, Spend] = {}
    for offset, purpose, recipients, value in sorted(past, key=lambda item: item[0]):
        hour = f"{2026 + offset // 9600}-{1 + offset // 800 % 12:02d}-{1 + offset // 29 % 27:02d}"
        hour = max(f"{hour}T{offset % 24:02d}:00:00Z", seen[-1][0] if seen else "")
        facts = budget.facts(purpose=purpose, recipients=tuple(sorted(recipients)))
        spend = Spend({4: value, 8: 2 * value}, value / 10**9)
        tally.add(facts, hour, spend)
        seen.append((hour, facts, spend))
        for scope in scopes(made, facts, hour, None):
            plain = Spend.zero(budget.ORDERS)
            for then, about, spent in seen:
                if scope.counts(about, then):
                    plain = plain + spent
            assert tally.spent(scope) == plain
            assert plain.orders[4] >= value
            if "days" not in scope.key:
                before = last.get(scope.key, Spend.zero(budget.ORDERS))
                assert all(plain.orders[o] >= before.orders[o] for o in budget.ORDERS)
            last[scope.key] = plain
