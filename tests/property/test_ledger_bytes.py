"""One changed byte: of an entry, of what it signs, or of a document in it, even when signed again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dpgate.errors import LedgerError
from dpgate.gate.verify import audit
from dpgate.ledger.chain import Chain, link_up, read
from dpgate.ledger.envelope import Envelope
from dpgate.loading.canonical import sha256
from dpgate.model.record import Document, Entry
from tests import team as teams
from tests.corpus.forging import rewritten
from tests.corpus.past import live
from tests.team import Team

PLACES = st.floats(0, 1, exclude_max=True)
FLIPS = st.integers(1, 255)
LETTERS = st.characters(min_codepoint=9, max_codepoint=126, exclude_categories=["Cc"])


@pytest.fixture(scope="module")
def past(
    _templates: Callable[[str], Team], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Team, Chain]:
    """A team whose ledger has an entry of every kind. See tests/corpus/past.py."""
    team = teams.copy(_templates("released"), tmp_path_factory.mktemp("bytes") / "team")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in team.environment.items():
            patch.setenv(name, value)
        chain = link_up(read(live(team).ledger()))
    audit(files_of(chain), chain.root)
    return team, chain


def files_of(chain: Chain) -> dict[str, bytes]:
    return {link.name: link.envelope.to_bytes() for link in chain.links}


def flipped(data: bytes, place: float, flip: int) -> bytes:
    changed = bytearray(data)
    changed[int(place * len(data))] ^= flip
    return bytes(changed)


def refused(files: dict[str, bytes], root: str) -> None:
    with pytest.raises(LedgerError) as found:
        audit(files, root)
    assert found.value.exit_code == 3


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 8), PLACES, FLIPS)
def test_of_an_entry(past: tuple[Team, Chain], number: int, place: float, flip: int) -> None:
    chain, files = past[1], files_of(past[1])
    name = chain.links[number].name
    refused({**files, name: flipped(files[name], place, flip)}, chain.root)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 8), PLACES, FLIPS)
def test_of_what_an_entry_signs(
    past: tuple[Team, Chain], number: int, place: float, flip: int
) -> None:
    chain, files = past[1], files_of(past[1])
    link = chain.links[number]
    payload = flipped(link.envelope.payload, place, flip)
    sealed = Envelope(payload, link.envelope.signatures)
    refused({**files, link.name: sealed.to_bytes()}, chain.root)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 8), st.integers(0, 2), st.booleans(), PLACES, LETTERS, st.booleans())
@example(0, 0, False, 0.5, "x", True)
@example(3, 0, False, 0.5, "x", True)
def test_of_a_document_in_an_entry_that_the_runner_signs_again(
    past: tuple[Team, Chain],
    number: int,
    which: int,
    approval: bool,
    place: float,
    letter: str,
    honest_digest: bool,
) -> None:
    team, chain = past
    field = "approvals" if approval else "documents"

    def edit(entry: Any) -> Entry:
        documents: list[Document] = list(getattr(entry, field))
        chosen = which % len(documents)
        documents[chosen] = reworded(documents[chosen], place, letter, honest_digest)
        update: dict[str, Any] = {field: tuple(documents)}
        if field == "documents" and entry.sequence in (1, 4):
            update["policy_set"] = documents[0].sha256
        made: Entry = entry.model_copy(update=update)
        return made

    entry = chain.links[number].entry
    if not getattr(entry, field, ()):
        return
    refused(rewritten(chain, number + 1, edit, team.key("runner")), chain.root)


def reworded(document: Document, place: float, letter: str, honest_digest: bool) -> Document:
    """A document with one letter changed, and the digest of the new text or of the old."""
    at = int(place * len(document.text))
    if document.text[at] == letter:
        letter = "y" if letter == "x" else "x"
    text = document.text[:at] + letter + document.text[at + 1 :]
    digest = sha256(text.encode()) if honest_digest else document.sha256
    return document.model_copy(update={"text": text, "sha256": digest})
