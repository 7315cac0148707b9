"""Writing an entry: lost answers, lost races, and keys that may no longer sign."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from dpgate.errors import ConflictError, LedgerError, RemoteError, SignatureError
from dpgate.gate import entries
from dpgate.gate.opening import OpenLedger, open_ledger
from dpgate.gate.workspace import workspace
from dpgate.ledger.chain import Chain, Link, link_up, read
from dpgate.ledger.memory import Memory
from dpgate.ledger.store import Store
from dpgate.model.record import Settle, Withdraw
from tests.team import RELEASE, Team

NOW = dt.datetime(2026, 11, 22, 18, 30, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entries, "PAUSE_SECONDS", 0)


def opened(team: Team) -> OpenLedger:
    return open_ledger(workspace(team.clone), offline=False)


def withdrawal(chain: Chain) -> tuple[Withdraw, str, dict[str, str]]:
    ((link, _),) = chain.reserves
    entry = Withdraw(
        **entries.header(chain, NOW),
        policy_set=chain.policy.sha256,
        release=RELEASE,
        reserve=link.digest,
        reason="test",
    )
    return entry, "Withdraw", {"Dpgate-Release": RELEASE}


def append_again(team: Team, ledger: OpenLedger, signer: str = "runner") -> Link:
    memory = Memory(ledger.chain.root)
    return entries.append_again(ledger, withdrawal, team.key(signer), memory)


def test_times_never_decrease_along_the_chain(released_team: Team) -> None:
    chain = opened(released_team).chain
    last = chain.head.entry.time
    early, late = (NOW.replace(year=year) for year in (2001, 9000))
    assert entries.header(chain, early)["time"] == last
    assert entries.header(chain, late)["time"] == "9000-11-22T18:00:00Z"
    assert entries.in_order(chain, early) > early
    assert entries.in_order(chain, late) == late


def test_a_push_whose_answer_is_lost_counts(
    released_team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    append, lost = Store.append, []

    def deaf(self: Store, *args: Any) -> Any:
        append(self, *args)
        lost.append(1)
        raise RemoteError("the line went dead")

    monkeypatch.setattr(Store, "append", deaf)
    link = append_again(released_team, opened(released_team))
    assert (link.entry.sequence, lost) == (4, [1])
    assert len(released_team.ledger()) == 4
    assert released_team.api.verify().verified


def test_a_push_that_did_not_arrive_is_tried_again_and_then_given_up(
    released_team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, append, tries = opened(released_team), Store.append, []

    def flaky(self: Store, *args: Any) -> Any:
        tries.append(1)
        if len(tries) < 3:
            raise RemoteError("busy")
        return append(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(Store, "append", flaky)
        append_again(released_team, ledger)
    assert len(tries) == 3
    assert released_team.api.verify().verified


@pytest.mark.parametrize("error", [RemoteError, ConflictError])
def test_it_gives_up_in_the_end(
    released_team: Team, monkeypatch: pytest.MonkeyPatch, error: type[LedgerError]
) -> None:
    tries = []

    def never(self: Store, *args: Any) -> Any:
        tries.append(1)
        raise error("no")

    monkeypatch.setattr(Store, "append", never)
    with pytest.raises(error):
        append_again(released_team, opened(released_team))
    assert len(tries) == entries.ATTEMPTS
    assert len(released_team.ledger()) == 3


def test_nothing_is_built_on_a_head_that_does_not_verify(released_team: Team) -> None:
    ledger = opened(released_team)
    other = released_team.second_clone("intruder")
    entry, title, trailers = withdrawal(ledger.chain)
    # Somebody with write access, but without a runner's key, puts a well-formed entry in between.
    from dpgate.ledger import envelope
    from dpgate.ledger.chain import file_name, subjects
    from dpgate.ledger.statement import statement

    payload = statement(entry, subjects(entry)).payload()
    data = envelope.seal(payload, [other.key("stranger")]).to_bytes()
    other.push_ledger({file_name(entry): data})
    assert len(link_up(read(other.ledger())).links) == 4
    with pytest.raises(SignatureError, match="by no key that may sign here"):
        append_again(released_team, ledger)
    assert Memory(ledger.chain.root).last() == (3, ledger.chain.head.digest)
    assert (title, bool(trailers)) == ("Withdraw", True)


def test_a_key_that_may_not_sign_writes_nothing(released_team: Team) -> None:
    with pytest.raises(SignatureError, match="does not hold role runner"):
        append_again(released_team, opened(released_team), "privacy")
    assert len(released_team.ledger()) == 3


def test_an_entry_that_no_longer_fits_is_not_forced_in(
    released_team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = opened(released_team)
    append_again(released_team, ledger)
    monkeypatch.setattr(f"{__name__}.NOW", NOW.replace(year=2050))
    with pytest.raises(LedgerError, match="withdrawn cannot become withdrawn"):
        append_again(released_team, ledger)
    assert [type(link.entry) for link in link_up(read(released_team.ledger())).links[2:]] == [
        Settle,
        Withdraw,
    ]
