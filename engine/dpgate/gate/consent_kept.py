"""Who agreed to a reservation, as its record tells it."""

from __future__ import annotations

from collections.abc import Iterable

from dpgate.errors import LedgerError
from dpgate.gate.ledger_results import Term
from dpgate.ledger import envelope, statement
from dpgate.model.record import (
    Authorship,
    Document,
    PolicyRefusal,
    ReleaseApproval,
    ReleaseRefusal,
    Reserve,
)
from dpgate.model.values import counted


def terms(entry: Reserve) -> list[Term]:
    """One line for each approval, taken-back refusal and author, and for reviews on GitHub.

    What the files say: whether they count is judged by `verify`.
    """
    made = [_term(document) for document in entry.approvals]
    made += [
        Term(
            label="reviewed on GitHub, says the runner",
            value=f"pull request {each.pull} of {each.repository}: {', '.join(each.reviewers)}",
        )
        for each in entry.reviewed
    ]
    return made


def counts(documents: Iterable[Document]) -> str:
    """How many approvals, and what else people signed: ``2 approvals, 1 refusal taken back``."""
    said = [type(_said(document)) for document in documents]
    refused = sum(kind in (ReleaseRefusal, PolicyRefusal) for kind in said)
    authors = sum(kind is Authorship for kind in said)
    text = counted(len(said) - refused - authors, "approval")
    text += f", {counted(authors, 'author')}" if authors else ""
    return text + (f", {counted(refused, 'refusal')} taken back" if refused else "")


def _said(document: Document) -> object:
    try:
        sealed = envelope.parse(document.text.encode())
        return statement.parse(sealed.payload, max_bytes=envelope.MAX_BYTES).predicate
    except LedgerError as error:
        return error


def _term(document: Document) -> Term:
    said = _said(document)
    if isinstance(said, LedgerError):
        return Term(label=document.path, value=f"cannot be read: {said.message}")
    if isinstance(said, ReleaseApproval):
        back = ", and takes back what it refused" if said.lifts else ""
        return Term(label=f"{said.role} approved", value=f"until {said.expires}{back}")
    if isinstance(said, ReleaseRefusal):
        return Term(label=f"{said.role} had refused", value=said.reason)
    if isinstance(said, Authorship):
        return Term(label=f"{said.role} signed as the author", value=f"manifest {said.manifest}")
    return Term(label=document.path, value="says nothing about a release")
