"""What a record tells of those who agreed, whatever its files hold."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from dpgate.gate.consent_kept import terms
from dpgate.ledger.keys import PrivateKey
from dpgate.loading.canonical import sha256
from dpgate.model.record import Document, PolicyApproval, Reserve
from tests.unit.gate.test_approvals import digest, keys, policy_document

__all__ = ["keys"]


def told(*documents: Document) -> list[tuple[str, str]]:
    entry = cast("Reserve", SimpleNamespace(approvals=documents, reviewed=()))
    return [(term.label, term.value) for term in terms(entry)]


@pytest.mark.parametrize("text", ["", "{}", "no envelope"])
def test_a_file_that_cannot_be_read_is_named(text: str) -> None:
    path = "releases/x/y/approvals/odd.dsse.json"
    ((label, value),) = told(Document(path=path, sha256=sha256(text.encode()), text=text))
    assert label == path
    assert value.startswith("cannot be read: not a DSSE envelope")


def test_what_is_about_something_else_says_nothing(keys: dict[str, PrivateKey]) -> None:
    given: dict[str, Any] = {"root": None, "previous": None, "policy_set": digest("c")}
    other = policy_document(PolicyApproval(role="privacy", **given), keys["ann"])
    assert told(other) == [(other.path, "says nothing about a release")]
