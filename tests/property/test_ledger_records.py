"""Every kind of record: signed, written, read back the same, and in one form only."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpgate.errors import DpgateError
from dpgate.ledger import envelope
from dpgate.ledger import statement as statements
from dpgate.ledger.chain import file_name, read_link, subjects
from dpgate.ledger.keys import PrivateKey, generate, load_private
from dpgate.loading.canonical import sha256
from dpgate.model.draw import Balance, Draw, Restriction
from dpgate.model.event import Event
from dpgate.model.record import (
    PREDICATES,
    Artifact,
    Authorship,
    Claim,
    Document,
    Entry,
    Facts,
    Genesis,
    PolicyAdopted,
    PolicyApproval,
    PolicyRefusal,
    Predicate,
    ReleaseApproval,
    ReleaseRefusal,
    Reserve,
    Reviewed,
    Sample,
    Settle,
    Spend,
    WaiverApproval,
    Withdraw,
)
from tests.suites.ledgers import ledger

DIGESTS = st.binary(min_size=1, max_size=4).map(sha256)
NAMES = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}", fullmatch=True)
RELEASES = st.builds(lambda a, b: f"{a}/{b}", NAMES, NAMES)
NUMBERS = st.one_of(
    st.decimals("0", "1e12", places=20),
    st.integers(0, 10**9).map(Decimal),
    st.just(Decimal("1e-40")),
)
HOURS = st.datetimes(dt.datetime(1970, 1, 1), dt.datetime(2999, 1, 1)).map(  # noqa: DTZ001 - bounds are naive by hypothesis's rule
    lambda moment: moment.strftime("%Y-%m-%dT%H:00:00Z")
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
DOCUMENTS = st.builds(
    lambda path, text: Document(path=path, sha256=sha256(text.encode()), text=text),
    st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,30}", fullmatch=True),
    TEXTS,
)
SPENDS = st.builds(
    Spend,
    curve=st.dictionaries(st.integers(2, 1024).map(str), NUMBERS, max_size=4),
    delta0=NUMBERS,
)
EVENTS: st.SearchStrategy[tuple[Event, ...]] = st.integers(0, 10**6).map(lambda n: tuple(ledger(n)))
COLUMNS = st.lists(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,9}", fullmatch=True), max_size=3).map(
    tuple
)
FACTS = st.builds(
    Facts,
    populations=st.lists(NAMES, min_size=1, max_size=3).map(tuple),
    type=NAMES,
    purpose=NAMES,
    recipients=st.lists(NAMES, max_size=3).map(tuple),
    sensitivities=st.lists(NAMES, max_size=3).map(tuple),
    groups=st.lists(NAMES, max_size=3).map(tuple),
    regions=st.lists(st.sampled_from(("US", "FR")), max_size=2).map(tuple),
    columns=COLUMNS,
    quasi_identifiers=COLUMNS,
)
CLAIMS = st.builds(
    Claim,
    epsilon=NUMBERS,
    delta=NUMBERS,
    relation=st.sampled_from(("add-remove", "replace-one")),
    unit=NAMES,
    rows_per_person=st.integers(1, 10**6),
    person_epsilon=NUMBERS,
)
PLACE = {
    "sequence": st.integers(1, 999_999),
    "previous": st.none() | DIGESTS,
    "root": st.none() | DIGESTS,
    "time": HOURS,
    "policy_set": DIGESTS,
}
APPROVALS = st.lists(DOCUMENTS, max_size=3).map(tuple)
ONE = DOCUMENTS.map(lambda document: (document,))
TWO = st.tuples(DOCUMENTS, DOCUMENTS).filter(lambda pair: pair[0].path != pair[1].path)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXTS,
    lambda inner: st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
ARTIFACTS = st.lists(
    st.builds(Artifact, name=NAMES, sha256=DIGESTS),
    min_size=1,
    max_size=3,
    unique_by=lambda a: a.name,
).map(tuple)
EVIDENCE = st.lists(st.dictionaries(TEXTS, JSON, max_size=3), max_size=3).map(tuple)
REASONS = TEXTS.filter(bool)
LINES = REASONS.filter(str.isprintable)
NONCES = st.binary(min_size=16, max_size=16).map(bytes.hex)

LIFTS = st.lists(DIGESTS, max_size=2).map(tuple)
REVIEWED = st.lists(
    st.builds(
        Reviewed,
        repository=st.just("acme/releases"),
        pull=st.integers(1, 10**6),
        reviewers=st.lists(st.sampled_from(("ann", "bob-2", "x[bot]")), min_size=1).map(tuple),
    ),
    max_size=2,
).map(tuple)
ENTRIES: dict[type, st.SearchStrategy[Predicate]] = {
    Genesis: st.builds(
        Genesis,
        **PLACE,
        nonce=NONCES,
        documents=ONE,
        approvals=APPROVALS,
    ),
    PolicyAdopted: st.builds(PolicyAdopted, **PLACE, documents=ONE, approvals=APPROVALS),
    Reserve: st.builds(
        Reserve,
        **PLACE,
        nonce=NONCES,
        release=RELEASES,
        attempt=st.integers(1, 99),
        facts=FACTS,
        documents=TWO,
        approvals=APPROVALS,
        reviewed=REVIEWED,
        waivers=APPROVALS,
        events=EVENTS,
        spend=SPENDS,
        claim=CLAIMS,
        sums=st.dictionaries(REASONS, SPENDS, max_size=3),
    ),
    Settle: st.one_of(
        st.builds(
            Settle,
            **PLACE,
            release=RELEASES,
            reserve=DIGESTS,
            outcome=st.just("released"),
            evidence=EVIDENCE,
            artifacts=ARTIFACTS,
        ),
        st.builds(
            Settle,
            **PLACE,
            release=RELEASES,
            reserve=DIGESTS,
            outcome=st.sampled_from(("gate-failed", "failed", "abandoned")),
            evidence=EVIDENCE,
            artifacts=st.just(()),
        ),
    ),
    Withdraw: st.builds(Withdraw, **PLACE, release=RELEASES, reserve=DIGESTS, reason=LINES),
    Sample: st.builds(
        Sample,
        **PLACE,
        nonce=NONCES,
        release=RELEASES,
        reserve=DIGESTS,
        settle=DIGESTS,
        model=DIGESTS,
        recipients=st.lists(NAMES, max_size=2).map(tuple),
        draw=st.builds(
            Draw,
            rows=st.integers(1, 10**10),
            where=st.lists(
                st.builds(
                    Restriction,
                    column=st.just("age"),
                    operator=st.sampled_from(("=", ">=")),
                    values=st.tuples(TEXTS),
                ),
                max_size=2,
            ).map(tuple),
            balance=st.none() | st.builds(Balance, column=st.just("age"), values=st.just(())),
            formats=st.just(("csv",)),
        ),
        artifacts=ARTIFACTS,
    ),
}
CONSENT: dict[type, st.SearchStrategy[Predicate]] = {
    ReleaseApproval: st.builds(
        ReleaseApproval,
        nonce=NONCES,
        root=DIGESTS,
        release=RELEASES,
        role=NAMES,
        policy_set=DIGESTS,
        manifest=DIGESTS,
        dataset=DIGESTS,
        cost=SPENDS,
        attempts=st.integers(1, 100),
        expires=st.dates(),
        lifts=LIFTS,
        waivers=LIFTS,
    ),
    PolicyApproval: st.builds(
        PolicyApproval,
        root=st.none() | DIGESTS,
        role=NAMES,
        previous=st.none() | DIGESTS,
        policy_set=DIGESTS,
        lifts=LIFTS,
    ),
    WaiverApproval: st.builds(
        WaiverApproval,
        root=DIGESTS,
        waiver=DIGESTS,
        rule=NAMES,
        release=RELEASES,
        role=NAMES,
        policy_set=DIGESTS,
        expires=st.dates(),
        nonce=NONCES,
    ),
    ReleaseRefusal: st.builds(
        ReleaseRefusal,
        root=DIGESTS,
        release=RELEASES,
        role=NAMES,
        manifest=DIGESTS,
        dataset=DIGESTS,
        reason=LINES,
        nonce=NONCES,
    ),
    PolicyRefusal: st.builds(
        PolicyRefusal,
        root=st.none() | DIGESTS,
        role=NAMES,
        previous=st.none() | DIGESTS,
        policy_set=DIGESTS,
        reason=LINES,
        nonce=NONCES,
    ),
    Authorship: st.builds(
        Authorship,
        root=DIGESTS,
        release=RELEASES,
        role=NAMES,
        manifest=DIGESTS,
        dataset=DIGESTS,
    ),
}


ALL: dict[type, st.SearchStrategy[Predicate]] = {**ENTRIES, **CONSENT}


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> PrivateKey:
    path: Path = tmp_path_factory.mktemp("keys") / "runner"
    generate(path, "")
    return load_private(path)


def test_every_kind_of_record_is_here() -> None:
    assert {*ENTRIES, *CONSENT} == set(PREDICATES.values())


@pytest.mark.parametrize("kind", ENTRIES, ids=lambda kind: kind.__name__)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_an_entry_is_read_back_as_it_was(kind: type, data: st.DataObject, key: PrivateKey) -> None:
    entry = data.draw(ENTRIES[kind])
    assert isinstance(entry, Entry)
    payload = statements.statement(entry, subjects(entry)).payload()
    written = envelope.seal(payload, [key]).to_bytes()
    link = read_link(file_name(entry), written)
    assert link.entry == entry
    assert link.envelope.to_bytes() == written
    assert link.envelope.signers([key.public]) == {key.public}
    assert statements.statement(link.entry, subjects(link.entry)).payload() == payload


@pytest.mark.parametrize("kind", CONSENT, ids=lambda kind: kind.__name__)
@settings(max_examples=40, deadline=None)
@given(data=st.data(), names=st.dictionaries(REASONS, DIGESTS, max_size=3))
def test_consent_is_read_back_as_it_was(
    kind: type, data: st.DataObject, names: dict[str, str], key: PrivateKey
) -> None:
    approval = data.draw(CONSENT[kind])
    payload = statements.statement(approval, names).payload()
    parsed = statements.parse(payload, max_bytes=10**7)
    assert parsed.predicate == approval
    assert dict(parsed.subjects) == names
    assert parsed.payload() == payload
    assert envelope.parse(envelope.seal(payload, [key]).to_bytes()).payload == payload


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_no_record_passes_for_one_of_another_kind(kind: type, data: st.DataObject) -> None:
    record = data.draw(ALL[kind])
    payload = statements.statement(record, {"x": sha256(b"x")}).payload()
    for other in PREDICATES.values():
        if other is kind:
            continue
        # Same length or not, the type is part of what is signed and canonical.
        retyped = payload.replace(type(record).TYPE.encode(), other.TYPE.encode())
        with pytest.raises(DpgateError):
            statements.parse(retyped, max_bytes=10**7)
