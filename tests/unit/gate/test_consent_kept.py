"""What a record tells of those who agreed, whatever its files hold."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from dpgate.gate import consent_kept
from dpgate.gate.consent_kept import counts, terms
from dpgate.ledger.keys import PrivateKey
from dpgate.loading.canonical import sha256
from dpgate.model.record import Authorship, Document, PolicyApproval, ReleaseRefusal, Reserve
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


def test_only_approvals_are_counted_as_approvals(
    keys: dict[str, PrivateKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {"root": None, "previous": None, "policy_set": digest("c")}
    approval = policy_document(PolicyApproval(role="privacy", **given), keys["ann"])
    assert counts([]) == "0 approvals"
    assert counts([approval]) == "1 approval"
    author: Any = Authorship
    refusal: Any = ReleaseRefusal
    said: dict[str, object] = {
        "a": author.model_construct(),
        "r": refusal.model_construct(),
        "x": approval,
    }
    monkeypatch.setattr(consent_kept, "_said", lambda document: said[document.path])
    documents = [approval.model_copy(update={"path": name}) for name in "axrr"]
    assert counts(documents) == "1 approval, 1 author, 2 refusals taken back"
