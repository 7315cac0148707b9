"""Checkpoints: what somebody saw, signed, and held against the ledger later."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from dpgate.errors import ChainError, SignatureError
from dpgate.ledger.chain import Chain, link_up
from dpgate.ledger.keys import PrivateKey, generate, load_private
from dpgate.ledger.note import MAX_BYTES, Checkpoint, hold_against, parse
from tests.unit.ledger import records


@pytest.fixture
def chain(key: PrivateKey) -> Chain:
    return link_up(records.history(key))


def seen(chain: Chain, size: int) -> Checkpoint:
    return Checkpoint(chain.root, size, chain.links[size - 1].digest)


@pytest.mark.parametrize("size", [1, 3, 5])
def test_a_chain_extends_what_was_seen_of_it(chain: Chain, key: PrivateKey, size: int) -> None:
    note = seen(chain, size).sign(key, "auditor").encode()
    said = hold_against(chain, note, key.public)
    assert said == f"extends checkpoint {size}, signed by {key.public.fingerprint}"
    assert "was not checked" in hold_against(chain, note, None)


def test_a_note_is_of_the_form_of_signed_notes(chain: Chain, key: PrivateKey) -> None:
    text = seen(chain, 5).sign(key, "auditor")
    body, _, signature = text.partition("\n\n")
    origin, size, head = body.splitlines()
    assert origin == "dpgate.dev/hash-chain/" + chain.root.removeprefix("sha256:")
    assert size == "5"
    assert base64.b64decode(head).hex() == chain.head.digest.removeprefix("sha256:")
    dash, name, blob = signature.split()
    assert (dash, name) == ("\u2014", "auditor")
    assert key.public.verifies(base64.b64decode(blob)[4:], f"{body}\n".encode())


def test_a_rollback_and_a_rewritten_history_are_found(chain: Chain, key: PrivateKey) -> None:
    note = seen(chain, 5).sign(key, "auditor").encode()
    with pytest.raises(ChainError, match="saw 5 entries, the ledger has 3: it was rolled back"):
        hold_against(link_up(chain.links[:3]), note, key.public)
    wrong = Checkpoint(chain.root, 4, chain.links[2].digest).sign(key, "auditor").encode()
    with pytest.raises(ChainError, match=r"000004-policy-adopted.*history was rewritten"):
        hold_against(chain, wrong, key.public)
    other = Checkpoint("sha256:" + "1" * 64, 1, chain.root).sign(key, "auditor").encode()
    with pytest.raises(ChainError, match="of another ledger"):
        hold_against(chain, other, key.public)


def test_a_signature_of_somebody_else_or_over_something_else_does_not_do(
    chain: Chain, key: PrivateKey, tmp_path: Path
) -> None:
    generate(tmp_path / "eve", "")
    eve = load_private(tmp_path / "eve")
    note = seen(chain, 5).sign(eve, "auditor")
    with pytest.raises(SignatureError, match="not signed by key"):
        hold_against(chain, note.encode(), key.public)
    moved = seen(chain, 4).text() + "\n" + seen(chain, 5).sign(key, "auditor").partition("\n\n")[2]
    with pytest.raises(SignatureError, match="not signed by key"):
        hold_against(chain, moved.encode(), key.public)
    renamed = seen(chain, 5).sign(key, "auditor").replace(" auditor ", " notary ")
    with pytest.raises(SignatureError, match="not signed by key"):
        hold_against(chain, renamed.encode(), key.public)
    both = seen(chain, 5).sign(key, "auditor") + note.partition("\n\n")[2]
    assert "signed by" in hold_against(chain, both.encode(), key.public)


def test_what_is_no_checkpoint_is_refused(chain: Chain, key: PrivateKey) -> None:
    good = seen(chain, 5).sign(key, "auditor")
    for bad in (
        "",
        "\n\n",
        good.partition("\n\n")[0] + "\n\n",
        good.replace("\n5\n", "\n05\n"),
        good.replace("\n5\n", "\n0\n"),
        good.replace("dpgate.dev/hash-chain", "dpgate.dev/tree"),
        good.replace("\u2014", "-"),
        "more\n" + good,
        good + "more",
        good + " " * MAX_BYTES,
    ):
        with pytest.raises(ChainError, match="not a checkpoint"):
            parse(bad.encode())
    with pytest.raises(ChainError, match="not UTF-8"):
        parse(b"\xff\xff")
    with pytest.raises(ChainError, match="a signature of the checkpoint is malformed"):
        parse((good.rpartition(" ")[0] + " AAAAA\n").encode())
