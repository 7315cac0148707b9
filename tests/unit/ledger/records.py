"""Small entries, signed for real, that chain tests link together."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from dpgate.ledger import envelope
from dpgate.ledger.chain import Link, file_name, read_link, subjects
from dpgate.ledger.keys import PrivateKey
from dpgate.ledger.statement import statement
from dpgate.loading.canonical import sha256
from dpgate.model.draw import Draw
from dpgate.model.record import (
    Artifact,
    Claim,
    Document,
    Entry,
    Facts,
    Genesis,
    PolicyAdopted,
    Reserve,
    Sample,
    Settle,
    Spend,
    Withdraw,
)
from tests.suites.ledgers import event

HOUR = "2026-11-22T{:02d}:00:00Z"
SPEND = Spend(curve={"4": Decimal("0.5")}, delta0=Decimal(0))


def document(path: str, text: str = "x") -> Document:
    return Document(path=path, sha256=sha256(text.encode()), text=text)


POLICY = document("policies/organization.yaml", "first")


def place(links: tuple[Link, ...], hour: int | None = None) -> dict[str, Any]:
    """The fields that put an entry behind others."""
    return {
        "sequence": len(links) + 1,
        "previous": links[-1].digest if links else None,
        "root": links[0].digest if links else None,
        "time": HOUR.format(len(links) if hour is None else hour),
        "policy_set": POLICY.sha256,
    }


def genesis(**changes: Any) -> Genesis:
    fields = {**place(()), "nonce": "0" * 32, "documents": (POLICY,), "approvals": ()}
    return Genesis(**{**fields, **changes})


def adopted(links: tuple[Link, ...], text: str, **changes: Any) -> PolicyAdopted:
    policy = document(POLICY.path, text)
    fields = {**place(links), "policy_set": policy.sha256, "documents": (policy,), "approvals": ()}
    return PolicyAdopted(**{**fields, **changes})


def reserve(links: tuple[Link, ...], release: str = "visits/one", **changes: Any) -> Reserve:
    claim = Claim(
        epsilon=Decimal(1),
        delta=Decimal("1e-9"),
        relation="add-remove",
        unit="visit",
        rows_per_person=1,
        person_epsilon=Decimal(1),
    )
    fields = {
        **place(links),
        "nonce": "0" * 32,
        "release": release,
        "attempt": 1,
        "facts": Facts(
            populations=("people",),
            type="synthetic",
            purpose="research",
            recipients=("acme",),
            sensitivities=("phi",),
            groups=(),
            regions=("US",),
            columns=("age",),
            quasi_identifiers=(),
        ),
        "documents": (
            document(f"releases/{release}/release.yaml"),
            document("releases/visits/dataset.yaml"),
        ),
        "approvals": (),
        "events": (event("gaussian", scale="10"),),
        "spend": SPEND,
        "claim": claim,
        "sums": {"people/all=*/lifetime": SPEND},
    }
    return Reserve(**{**fields, **changes})


def settle(links: tuple[Link, ...], closes: Link, **changes: Any) -> Settle:
    assert isinstance(closes.entry, Reserve)
    fields = {
        **place(links),
        "release": closes.entry.release,
        "reserve": closes.digest,
        "outcome": "released",
        "evidence": (),
        "artifacts": (Artifact(name="data.csv", sha256="sha256:" + "0" * 64),),
    }
    return Settle(**{**fields, **changes})


def withdraw(links: tuple[Link, ...], of: Link) -> Withdraw:
    assert isinstance(of.entry, Reserve)
    fields = {**place(links), "release": of.entry.release, "reserve": of.digest, "reason": "leak"}
    return Withdraw(**fields)


def sample(links: tuple[Link, ...], of: Link, **changes: Any) -> Sample:
    assert isinstance(of.entry, Reserve)
    fields = {
        **place(links),
        "nonce": "1" * 32,
        "release": of.entry.release,
        "reserve": of.digest,
        "settle": "sha256:" + "3" * 64,
        "model": "sha256:" + "4" * 64,
        "recipients": ("acme",),
        "draw": Draw(rows=5, formats=("csv",)),
        "artifacts": (Artifact(name="data.csv", sha256="sha256:" + "5" * 64),),
    }
    return Sample(**{**fields, **changes})


def signed(entry: Entry, *keys: PrivateKey) -> bytes:
    """The file that holds an entry."""
    return envelope.seal(statement(entry, subjects(entry)).payload(), keys).to_bytes()


def link(entry: Entry, key: PrivateKey) -> Link:
    return read_link(file_name(entry), signed(entry, key))


def history(key: PrivateKey) -> tuple[Link, ...]:
    """Genesis, a reservation, its settlement, a new policy, an open reservation."""
    links: tuple[Link, ...] = (link(genesis(), key),)
    links += (link(reserve(links), key),)
    links += (link(settle(links, links[1]), key),)
    links += (link(adopted(links, "second"), key),)
    return (*links, link(reserve(links, "visits/two"), key))
