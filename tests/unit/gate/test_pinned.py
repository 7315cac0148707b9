"""A reservation states the mechanisms that its documents plan, at their distances, or is found."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from dpgate.accounting import curves
from dpgate.errors import DpgateError, LedgerError, SynthesisError
from dpgate.gate import pinned, recompute, rederive
from dpgate.gate.verify import audit
from dpgate.ledger import envelope
from dpgate.ledger.chain import file_name, link_up, read, subjects
from dpgate.ledger.statement import statement
from dpgate.model.event import Event
from dpgate.model.record import Reserve
from tests.corpus import forging
from tests.suites import members
from tests.team import RELEASE, Team
from tests.unit.gate.test_training import persons

pytestmark = pytest.mark.slow

Events = tuple[Event, ...]


def edited(which: str, /, **changes: object) -> Callable[[Events], Events]:
    """One event says something else, and costs what it then costs."""

    def change(events: Events) -> Events:
        assert which in {event.name for event in events}
        made = [e.model_copy(update=changes) if e.name == which else e for e in events]
        return tuple(e.model_copy(update={"loss": curves.loss(e)}) for e in made)

    return change


def sealed(team: Team, entry: Reserve) -> dict[str, bytes]:
    payload = statement(entry, subjects(entry)).payload()
    data = envelope.seal(payload, [team.key("runner")]).to_bytes()
    return {**team.ledger(), file_name(entry): data}


@pytest.fixture
def two_tables(team: Team) -> Team:
    members.describe(team)
    team.approve()
    return team


def reserved(team: Team) -> Reserve:
    return forging.reserve(team, link_up(read(team.ledger())), RELEASE)


CHANGES: list[tuple[str, Callable[[Events], Events], str]] = [
    ("the distance of a row for claims", edited("claims.mst.one_way", sensitivity_squared=Decimal(1)),
     "claims.mst.one_way is accounted at a smaller distance"),
    ("a score of a sixteenth", edited("persons.mst.select", sensitivity_squared=Decimal(1)),
     "persons.mst.select is accounted at a smaller distance"),
    ("the evidence of a row", edited("claims.evidence.tvd_1", sensitivity_squared=Decimal(513**2)),
     "claims.evidence.tvd_1 is accounted at a smaller distance"),
    ("claims as if they were persons", edited("claims.mst.one_way", name="persons.mst.more"),
     "plan no event persons.mst.more"),
    ("another mechanism", edited("persons.mst.select", mechanism="gaussian"),
     "plan no event persons.mst.select"),
    ("no claims at all", lambda events: tuple(e for e in events if e.name.startswith("persons")),
     "are left out"),
]  # fmt: skip


def test_what_its_documents_plan_is_accepted(two_tables: Team) -> None:
    audit(sealed(two_tables, reserved(two_tables)), two_tables.root)


@pytest.mark.parametrize(("what", "change", "said"), CHANGES, ids=[c[0] for c in CHANGES])
def test_an_event_of_another_kind_is_found(
    two_tables: Team, what: str, change: Callable[[Events], Events], said: str
) -> None:
    entry = reserved(two_tables)
    changed = entry.model_copy(update={"events": change(entry.events)})
    with pytest.raises(LedgerError, match=said):
        audit(sealed(two_tables, changed), two_tables.root)


def test_a_synthesizer_that_is_not_installed_here(
    two_tables: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then events are held against the rows of a person alone, and the line says so."""
    monkeypatch.setattr("dpgate.gate.pinned.registry.names", lambda: ("aim",))
    entry = reserved(two_tables)
    line = recompute.costs(rederive.judged(audit(sealed(two_tables, entry), two_tables.root)))
    assert "1 reservation(s) by synthesizers that are not installed here" in line
    change = edited("claims.mst.one_way", sensitivity_squared=Decimal(1))
    forged = entry.model_copy(update={"events": change(entry.events)})
    with pytest.raises(LedgerError, match="accounted for less than the rows of a person"):
        audit(sealed(two_tables, forged), two_tables.root)


def test_documents_that_plan_nothing(two_tables: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = reserved(two_tables)

    def failing(case: object) -> DpgateError:
        raise SynthesisError("too large")

    monkeypatch.setattr(pinned, "planned_events", failing)
    with pytest.raises(LedgerError, match="its documents plan no release: too large"):
        audit(sealed(two_tables, entry), two_tables.root)


@pytest.fixture
def trained(fresh_team: Team) -> Team:
    team = persons(fresh_team)
    team.approve()
    return team


TRAINED: list[tuple[str, Callable[[Events], Events], str]] = [
    ("tables of a row", edited("dp_tvae.one_way", sensitivity_squared=Decimal(1)),
     "dp_tvae.one_way is accounted at a smaller distance"),
    ("half a person", edited("dp_tvae.training", sensitivity_squared=Decimal("0.25")),
     "dp_tvae.training is accounted at a smaller distance"),
    ("no training at all", lambda events: tuple(e for e in events if "training" not in e.name),
     "are left out"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "change", "said"), TRAINED, ids=[c[0] for c in TRAINED])
def test_a_training_on_persons_is_accounted_for_persons(
    trained: Team, what: str, change: Callable[[Events], Events], said: str
) -> None:
    entry = reserved(trained)
    audit(sealed(trained, entry), trained.root)
    changed = entry.model_copy(update={"events": change(entry.events)})
    with pytest.raises(LedgerError, match=said):
        audit(sealed(trained, changed), trained.root)


def test_a_training_that_is_not_installed_here(
    trained: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person is one record of what it samples, so its distance is 1; that of tables is not."""
    monkeypatch.setattr("dpgate.gate.pinned.registry.names", lambda: ("aim",))
    entry = reserved(trained)
    audit(sealed(trained, entry), trained.root)
    for which, squared in (("dp_tvae.one_way", "1"), ("dp_tvae.training", "0.25")):
        change = edited(which, sensitivity_squared=Decimal(squared))
        forged = entry.model_copy(update={"events": change(entry.events)})
        with pytest.raises(LedgerError, match="accounted for less than the rows of a person"):
            audit(sealed(trained, forged), trained.root)
