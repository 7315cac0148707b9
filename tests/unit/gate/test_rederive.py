"""A runner who signs what is not true: verify re-derives it and says no."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from dpgate.accounting import curves
from dpgate.errors import LedgerError
from dpgate.gate import approvals as consents
from dpgate.gate.verify import audit
from dpgate.ledger import envelope
from dpgate.ledger.chain import Link, file_name, link_up, read, subjects
from dpgate.ledger.statement import statement
from dpgate.loading.canonical import sha256
from dpgate.model.record import (
    Document,
    Entry,
    PolicyAdopted,
    PolicyApproval,
    ReleaseApproval,
    Reserve,
    Settle,
    Spend,
)
from tests.corpus import forging
from tests.team import BRANCH, DATASET, MANIFEST, POLICY, RELEASE, Team
from tests.unit.gate.test_plan import unpatched

GONE = "sha256:" + "0" * 64


def forged(team: Team, number: int, change: Callable[[Any], Entry], signer: str = "runner") -> str:
    """What verify says of the ledger up to an entry that was changed and signed again."""
    files = team.ledger()
    names = sorted(files)[:number]
    entry = change(read(files)[number - 1].entry)
    data = envelope.seal(statement(entry, subjects(entry)).payload(), [team.key(signer)]).to_bytes()
    kept = {name: files[name] for name in names[:-1]}
    with pytest.raises(LedgerError) as found:
        audit({**kept, file_name(entry): data}, team.root)
    assert found.value.exit_code == 3
    return found.value.message


def with_(**changes: Any) -> Callable[[Any], Entry]:
    """The same entry with other fields, validated anew."""

    def change(entry: Entry) -> Entry:
        fields = {name: getattr(entry, name) for name in type(entry).model_fields}
        made = {k: v(fields[k]) if callable(v) else v for k, v in changes.items()}
        return type(entry)(**{**fields, **made})

    return change


def document(path: str, text: str) -> Document:
    return Document(path=path, sha256=sha256(text.encode()), text=text)


def edited(place: int, old: str, new: str) -> Callable[[Any], Entry]:
    """A reservation whose manifest (0) or dataset (1) says something else."""

    def change(documents: tuple[Document, ...]) -> tuple[Document, ...]:
        made = list(documents)
        assert old in made[place].text
        made[place] = document(made[place].path, made[place].text.replace(old, new, 1))
        return tuple(made)

    return with_(documents=change)


def spends(factor: str) -> Callable[[Spend], Spend]:
    return lambda spend: Spend(
        curve={order: value * Decimal(factor) for order, value in spend.curve.items()},
        delta0=spend.delta0,
    )


def first_event(**changes: Any) -> Callable[[Any], Entry]:
    def change(events: tuple[Any, ...]) -> tuple[Any, ...]:
        return (events[0].model_copy(update=changes), *events[1:])

    return with_(events=change)


def claims(**changes: Any) -> Callable[[Any], Entry]:
    return with_(claim=lambda claim: claim.model_copy(update=changes))


RESERVATIONS: list[tuple[str, Callable[[Any], Entry], str]] = [
    ("another policy", with_(policy_set=GONE), "under another policy than the one in force"),
    ("a text unlike its digest", with_(
        documents=lambda d: (d[0].model_copy(update={"text": d[0].text + "#"}), d[1])
    ), "does not match its recorded digest"),
    ("documents of another place", with_(
        documents=lambda d: (d[0].model_copy(update={"path": "releases/x/y/release.yaml"}), d[1])
    ), "its documents are not those of"),
    ("documents in another order", with_(documents=lambda d: (d[1], d[0])), ""),
    ("an edited manifest", edited(0, "owner: analytics", "owner: nobody"), "another version of the manifest"),
    ("an edited dataset", edited(1, "steward: analytics", "steward: nobody"), "another version of the dataset"),
    ("another name", with_(release="clinic-visits/other"), "its documents are not those of"),
    ("a manifest of another dataset", edited(0, "dataset: clinic-visits", "dataset: other"), "about another dataset"),
    ("an ε above the class limit", edited(0, "epsilon: 1.0", "epsilon: 1.5"), "against rule class-epsilon"),
    ("a malformed manifest", edited(0, "kind: Release", "kind: Release\nmore: 1"), "problem"),
    ("no manifest at all", edited(0, "apiVersion", "\x00apiVersion"), ""),
    ("other facts", with_(facts=lambda f: f.model_copy(update={"purpose": "research"})), "its facts are not those"),
    ("no approvals", with_(approvals=()), "approvals missing: privacy"),
    ("an approval that is none", with_(approvals=(document("releases/a/b.json", "{}"),)), "does not count"),
    ("another attempt", with_(attempt=2), "is attempt 1, not 2"),
    ("a loss too low", first_event(loss=Decimal("0.0001")), "loss|below|less"),
    ("a mechanism in another relation", first_event(relation="replace-one"), "relation"),
    ("a spend too low", with_(spend=spends("0.999999")), "spend is below what its events cost"),
    ("a spend at other orders", with_(spend=Spend(curve={"2": Decimal(9)}, delta0=Decimal(0))), ""),
    ("sums too low", with_(sums=lambda s: {k: spends("0.9")(v) for k, v in s.items()}), "running sums do not follow"),
    ("a scope left out", with_(sums=lambda s: dict(list(s.items())[1:])), "running sums do not follow"),
    ("an ε claimed too low", claims(epsilon=Decimal("0.5")), "claims ε 0.5"),
    ("a person's ε claimed too low", claims(person_epsilon=Decimal(1)), "claims ε"),
    ("another δ claimed", claims(delta=Decimal("1e-12")), "another δ, relation or unit"),
    ("another unit claimed", claims(unit="person"), "another δ, relation or unit"),
    ("fewer rows a person claimed", claims(rows_per_person=1), "another δ, relation or unit"),
    ("the first hour there is", with_(time="0001-01-01T00:00:00Z"), "its time lies before"),
    ("the last hour there is", with_(time="9999-12-31T23:00:00Z"), ""),
]  # fmt: skip


@pytest.mark.parametrize(("what", "change", "said"), RESERVATIONS, ids=[r[0] for r in RESERVATIONS])
def test_an_untrue_reservation_is_found(
    released_team: Team, what: str, change: Callable[[Any], Entry], said: str
) -> None:
    message = forged(released_team, 2, change)
    assert any(part in message for part in said.split("|")), message


@pytest.mark.parametrize("signer", ["privacy", "legal", "stranger"])
def test_only_a_runner_signs_entries(released_team: Team, signer: str) -> None:
    message = forged(released_team, 2, lambda entry: entry, signer)
    assert "by no key that may sign here" in message


def evidence(*items: dict[str, Any]) -> Callable[[Any], Entry]:
    return with_(evidence=items)


@pytest.mark.parametrize("change", [{"sensitivity_squared": 1}, {"mechanism": "gaussian"}])
def test_a_foreign_program_taken_at_its_word_is_found(
    fresh_team: Team, change: dict[str, Any]
) -> None:
    team = unpatched(fresh_team, relation="replace-one")
    team.approve()
    files = team.ledger()
    entry = forging.reserve(team, link_up(read(files)), RELEASE)

    def sealed(made: Reserve) -> dict[str, bytes]:
        payload = statement(made, subjects(made)).payload()
        data = envelope.seal(payload, [team.key("runner")]).to_bytes()
        return {**files, file_name(made): data}

    audit(sealed(entry), team.root)
    (first, *others) = entry.events
    word = first.model_copy(
        update={k: v if k == "mechanism" else Decimal(v) for k, v in change.items()}
    )
    word = word.model_copy(update={"loss": curves.loss(word)})
    with pytest.raises(LedgerError, match="a foreign program is accounted at less than it costs"):
        audit(sealed(entry.model_copy(update={"events": (word, *others)})), team.root)


SETTLEMENTS: list[tuple[str, Callable[[Any], Entry], str]] = [
    ("without the evidence that is required", evidence(), "released although"),
    ("evidence of an unknown class", evidence({"disclosure": "secret"}), ""),
    ("evidence without a class", evidence({"metric": "marginal_tvd", "value": "0"}), ""),
    ("evidence that is not even that", evidence({"metric": [None], "value": {"a": []}}), ""),
    ("another policy", with_(policy_set=GONE), "under another policy"),
    ("of another release", with_(release="clinic-visits/other"), "of another release"),
]


@pytest.mark.parametrize(("what", "change", "said"), SETTLEMENTS, ids=[r[0] for r in SETTLEMENTS])
def test_an_untrue_settlement_is_found(
    released_team: Team, what: str, change: Callable[[Any], Entry], said: str
) -> None:
    assert said in forged(released_team, 3, change)


def worse(items: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
    return tuple(
        {**i, "value": "0.95", "high": "0.99"} if i.get("metric") == "marginal_tvd" else i
        for i in items
    )


def test_a_release_that_missed_its_threshold_is_found(released_team: Team) -> None:
    message = forged(released_team, 3, with_(evidence=worse))
    assert "released although" in message


def test_a_measurement_that_nobody_paid_for_is_found(released_team: Team) -> None:
    def unpaid(items: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
        return tuple({**i, "events": ["evidence.free"]} if "events" in i else i for i in items)

    assert forged(released_team, 3, with_(evidence=unpaid))


def test_a_policy_that_nobody_approved_is_found(team: Team) -> None:
    text = (
        (team.clone / POLICY)
        .read_text()
        .replace("lifetime: {epsilon: 8}", "lifetime: {epsilon: 99}")
    )
    team.write(POLICY, text)
    team.approve("policy")
    team.adopt()
    for approvals in ((), lambda given: given[:1]):
        assert "approvals missing" in forged(team, 2, with_(approvals=approvals))
    other = document(POLICY, text.replace("99", "100"))
    swapped = with_(documents=(other,), policy_set=other.sha256)
    assert "approvals missing" in forged(team, 2, swapped)


def test_what_the_filter_rests_on_cannot_change_whoever_approves(team: Team) -> None:
    text = (team.clone / POLICY).read_text()
    links = read(team.ledger())
    for policy, said in (
        (text.replace("orders: [4, 8, 16, 32]", "orders: [4, 8, 16]"), "fixed when the first"),
        (text.replace("  clinic-patients:\n", "  others:\n"), "clinic-patients disappears"),
        (text.replace("  timezone: UTC", "  ledger: {branch: b}"), "branch cannot be changed"),
        (text.replace("add-remove\n", "replace-one\n"), "changes its neighboring relation"),
        ((team.clone / DATASET).read_text(), "the adopted document is no policy"),
    ):
        entry = adopted(team, links, policy)
        with pytest.raises(LedgerError, match=said):
            audit({**team.ledger(), file_name(entry): sealed(team, entry)}, team.root)


def adopted(team: Team, links: tuple[Link, ...], text: str) -> Entry:
    """An adoption that both roles approved, as `policy adopt` would never write it."""
    policy = document(POLICY, text)
    approvals = []
    for role in ("privacy", "legal"):
        consent = PolicyApproval(
            root=team.root, role=role, previous=links[0].digest, policy_set=policy.sha256
        )
        payload = statement(consent, {"policy": policy.sha256}).payload()
        signed = envelope.seal(payload, [team.key(role)]).to_bytes().decode()
        approvals.append(document(f"policies/approvals/{role}.dsse.json", signed))
    return PolicyAdopted(
        sequence=2,
        previous=links[0].digest,
        root=links[0].digest,
        time=links[0].entry.time,
        policy_set=policy.sha256,
        documents=(policy,),
        approvals=tuple(approvals),
    )


def approval(team: Team, entry: Reserve, *, root: str, policy: str) -> str:
    """Privacy's consent to what an entry reserves."""
    consent = ReleaseApproval(
        root=root,
        release=entry.release,
        role="privacy",
        policy_set=policy,
        manifest=entry.documents[0].sha256,
        dataset=entry.documents[1].sha256,
        cost=entry.spend,
        attempts=1,
        nonce="0" * 32,
        expires=dt.date(9999, 1, 1),
    )
    payload = statement(consent, consents.subjects(consent)).payload()
    return envelope.seal(payload, [team.key("privacy")]).to_bytes().decode()


def sealed(team: Team, entry: Entry) -> bytes:
    payload = statement(entry, subjects(entry)).payload()
    return envelope.seal(payload, [team.key("runner")]).to_bytes()


def test_a_reservation_beyond_the_budget_is_found(released_team: Team) -> None:
    # Everything about it is true and signed; only the limit under which it stands is lower.
    team = released_team
    text = (
        (team.clone / POLICY)
        .read_text()
        .replace("lifetime: {epsilon: 8}", "lifetime: {epsilon: 0.5}")
    )
    other = dataclasses.replace(team, clone=team.folder / "other", remote=team.folder / "other.git")
    team.git("clone", "-q", "--bare", str(team.remote), str(other.remote))
    team.git("update-ref", "-d", f"refs/heads/{BRANCH}", cwd=other.remote)
    team.git("clone", "-q", f"file://{other.remote}", str(other.clone), cwd=team.folder)
    other.write(POLICY, text)
    other.approve("policy")
    other.adopt()
    genesis, honest = read(other.ledger())[0], read(team.ledger())[1].entry
    assert isinstance(honest, Reserve)
    consent = approval(team, honest, root=genesis.digest, policy=genesis.entry.policy_set)
    entry = with_(
        time=genesis.entry.time,  # the honest one may be older than the other genesis
        previous=genesis.digest,
        root=genesis.digest,
        policy_set=genesis.entry.policy_set,
        approvals=(document("releases/a/b.dsse.json", consent),),
    )(honest)
    with pytest.raises(LedgerError, match=r"clinic-patients, lifetime reached ε 0.825973 of 0.5"):
        audit({**other.ledger(), file_name(entry): sealed(team, entry)}, genesis.digest)


def test_the_chain_itself_is_what_was_made(released_team: Team) -> None:
    chain = link_up(read(released_team.ledger()))
    ((link, reserve),) = chain.reserves
    assert isinstance(reserve, Reserve)
    assert isinstance(chain.settles[link.digest][1], Settle)
    assert reserve.documents[0].text == (released_team.clone / MANIFEST).read_text()
