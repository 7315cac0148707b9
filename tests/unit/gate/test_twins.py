"""Two runners with one key, in the same hour: one reservation pays for one attempt."""

from __future__ import annotations

from typing import Any

import pytest

from dpgate.gate import release as gate
from dpgate.ledger.store import Store
from tests.team import RELEASE, Team


def test_a_reservation_pays_for_one_attempt_even_if_two_runners_make_the_same(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    team.approve()
    twin = team.second_clone()
    opened: list[str] = []
    attempt, preflight = gate.attempt, gate._preflight  # type: ignore[attr-defined]
    raced: list[int] = []

    def counted(*args: Any) -> Any:
        opened.append("data")
        return attempt(*args)

    def meanwhile(*args: Any) -> None:
        preflight(*args)
        if not raced:  # both have planned on the same head; the twin is a moment faster
            raced.append(1)
            done = twin.release(root=team.root, out=team.folder / "theirs")
            assert done.outcome == "released"

    monkeypatch.setattr(gate, "attempt", counted)
    monkeypatch.setattr(gate, "_preflight", meanwhile)
    done = team.release(RELEASE, out=team.folder / "mine")
    assert opened == ["data"]
    assert done.outcome != "released"
    assert len(team.ledger()) == 3


def test_two_that_reserve_in_the_same_hour_do_not_make_the_same_entry(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Signatures are deterministic and times are hours: all that differs is what was drawn.
    team.approve()
    twin = team.second_clone()
    opened: list[str] = []
    append, attempt = Store.append, gate.attempt  # type: ignore[attr-defined]

    class Stopped(BaseException):
        """The twin's process ends right after its push."""

    def stop(*_: Any) -> None:
        raise Stopped

    def counted(*args: Any) -> Any:
        opened.append("data")
        return attempt(*args)

    def faster(self: Store, *args: Any) -> Any:
        monkeypatch.setattr(Store, "append", append)
        with monkeypatch.context() as patch:
            patch.setattr(gate, "attempt", stop)
            patch.setattr(gate, "settle", stop)
            with pytest.raises(Stopped):
                twin.release(root=team.root, out=team.folder / "theirs")
        return append(self, *args)

    monkeypatch.setattr(gate, "attempt", counted)
    monkeypatch.setattr(Store, "append", faster)
    done = team.release(RELEASE, out=team.folder / "mine")
    assert (done.outcome, opened) == ("denied", [])
    assert done.plan is not None
    assert [item.entry for item in done.plan.open] == [2]
