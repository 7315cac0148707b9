"""Waivers in a reservation: kept with their signatures, judged again, told of."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import pytest

from dpgate.errors import ChainError, SignatureError
from dpgate.gate.waivers import decide
from dpgate.gate.waivers_kept import embedded, held, needed, recorded, waivers_of, with_waivers
from dpgate.model.finding import Finding
from dpgate.model.record import Document, Reserve
from tests.suites.waiving import ALL, RELEASE, Bench, bench
from tests.unit.ledger import records


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return bench(tmp_path_factory.mktemp("keys"))


def kept(people: Bench, *signers: tuple[str, str], **given: Any) -> tuple[Document, ...]:
    offer = people.offer(*signers, **given)
    file = offer.file
    return (Document(path=file.file, sha256=file.digest, text=file.text), *offer.signatures)


def entry(*documents: Document) -> Reserve:
    return records.reserve((), RELEASE, waivers=documents)


def test_what_is_kept_is_the_document_and_the_signatures_that_count(people: Bench) -> None:
    offer = people.offer(*ALL)
    stray = people.signature(offer, "mallory", "legal")
    offer = dataclasses.replace(offer, signatures=(stray, *offer.signatures))
    documents = embedded(decide([offer], RELEASE, people.ground))
    assert [d.path for d in documents] == [
        "policies/waivers/terms.yaml",
        *(f"policies/waivers/terms/approvals/{role}-{who}.dsse.json" for who, role in ALL),
    ]
    (again,) = recorded(documents)
    assert again.file.data == offer.file.data
    assert len(again.signatures) == 3
    found = held("000002", entry(*documents), people.rules, people.ground)
    assert [each.state for each in found.decided] == ["in-force"]


@pytest.mark.parametrize("name", ["approvals", "policies", "yaml"])
def test_no_name_of_a_waiver_hides_its_signatures(people: Bench, name: str) -> None:
    documents = kept(people, *ALL, name=name)
    (again,) = recorded(documents)
    assert (again.name, again.signatures) == (name, documents[1:])
    found = held("000002", entry(*documents), people.rules, people.ground)
    assert [each.state for each in found.decided] == ["in-force"]


def test_a_waiver_that_was_needed_is_told_of(people: Bench) -> None:
    made = entry(*kept(people, *ALL))
    assert with_waivers(made) == " with 1 waiver (rule few-rows, ticket PRIV-7)"
    assert [waiver.metadata.name for waiver in waivers_of(made)] == ["terms"]
    two = entry(*kept(people, *ALL), *kept(people, *ALL, name="more", rule="polite"))
    assert with_waivers(two).startswith(" with 2 waivers (rule few-rows, ticket PRIV-7; rule ")
    assert with_waivers(entry()) == ""


def test_every_waiver_of_a_reservation_must_have_set_something_aside(people: Bench) -> None:
    found = held("000002", entry(*kept(people, *ALL)), people.rules, people.ground)
    broken = Finding(rule="few-rows", level="deny", message="x", fix="", enforcement="soft")
    needed("000002", found, found.aside([broken]), lambda _: True)
    needed("000002", found, [], lambda _: False)
    with pytest.raises(ChainError, match="000002: waiver terms sets nothing aside"):
        needed("000002", found, [], lambda _: True)


@pytest.mark.parametrize(
    ("signers", "given", "days", "kind", "why"),
    [
        (ALL[:2], {}, 0, SignatureError, "waiver terms is not in force: 1 legal signature missing"),
        (ALL, {}, 1, ChainError, "waiver terms is not in force: it expired on 2026-11-22"),
        (ALL, {}, -31, ChainError, "more than the 30 days ahead"),
        (ALL, {"release": "a/b"}, 0, ChainError, "waiver terms is for a/b"),
        (ALL, {"rule": "no-acme"}, 0, ChainError, "waives rule no-acme, which is hard"),
        (ALL, {"rule": "budget"}, 0, ChainError, "built into dpgate"),
        (ALL, {"rule": "gone"}, 0, ChainError, "which there is not"),
        (ALL, {"rule": "polite"}, 0, ChainError, "advisory"),
    ],
)
def test_one_that_was_not_in_force_at_its_place_is_a_fault(
    people: Bench,
    signers: tuple[tuple[str, str], ...],
    given: dict[str, Any],
    days: int,
    kind: type[Exception],
    why: str,
) -> None:
    ground = dataclasses.replace(people.ground, day=people.ground.day + dt.timedelta(days=days))
    with pytest.raises(kind, match=f"000002: .*{why}"):
        held("000002", entry(*kept(people, *signers, **given)), people.rules, ground)


def test_a_signature_that_does_not_count_has_no_place_in_a_record(people: Bench) -> None:
    offer = people.offer(*ALL)
    stray = people.signature(offer, "mallory", "legal")
    with pytest.raises(SignatureError, match=r"legal-mallory\.dsse\.json does not count"):
        held("000002", entry(*kept(people, *ALL), stray), people.rules, people.ground)


def test_documents_that_are_no_waivers_of_their_place(people: Bench) -> None:
    document, *signatures = kept(people, *ALL)
    moved = document.model_copy(update={"path": "policies/waivers/other.yaml"})
    elsewhere = document.model_copy(update={"path": "releases/terms.yaml"})
    for documents in ((moved,), (elsewhere,), (document, document), (records.POLICY,)):
        with pytest.raises(Exception, match=r"is no waiver of that name|problem|does not match"):
            recorded(documents)
    with pytest.raises(ChainError, match=r"000002: .* is no waiver of that name"):
        held("000002", entry(moved, *signatures), people.rules, people.ground)
