"""Envelopes, checked against the DSSE specification and an implementation that is not ours."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from securesystemslib.dsse import Envelope as IndependentEnvelope
from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined]

from dpgate.errors import SignatureError
from dpgate.ledger import envelope
from dpgate.ledger.envelope import PAYLOAD_TYPE, pae, parse, seal
from dpgate.ledger.keys import PrivateKey, generate, load_private

PAYLOAD = b'{"hello":"world"}'


@pytest.fixture
def keys(tmp_path: Path) -> tuple[PrivateKey, PrivateKey, PrivateKey]:
    names = [tmp_path / name for name in "abc"]
    for name in names:
        generate(name, name.name)
    one, two, three = (load_private(name) for name in names)
    return one, two, three


def independent(key: PrivateKey) -> SSlibKey:
    public = serialization.load_ssh_public_key(key.public.line.encode())
    raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    keyval = {"public": raw.hex()}
    return SSlibKey(key.public.fingerprint, "ed25519", "ed25519", keyval)


def altered(data: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    """The canonical bytes of an envelope after a change."""
    body = json.loads(data)
    change(body)
    return json.dumps(body, separators=(",", ":"), sort_keys=True).encode() + b"\n"


def test_the_encoding_is_that_of_the_specification() -> None:
    # https://github.com/secure-systems-lab/dsse/blob/v1.0.0/protocol.md#test-vectors
    made = pae("http://example.com/HelloWorld", b"hello world")
    assert made == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_the_encoding_counts_bytes_not_letters() -> None:
    assert pae("é", "é".encode()) == b"DSSEv1 2 \xc3\xa9 2 \xc3\xa9"
    assert pae("", b"") == b"DSSEv1 0  0 "


def test_an_independent_implementation_verifies_what_we_sign(
    keys: tuple[PrivateKey, ...],
) -> None:
    data = seal(PAYLOAD, keys[:2]).to_bytes()
    read = IndependentEnvelope.from_dict(json.loads(data))
    accepted = read.verify([independent(key) for key in keys[:2]], 2)
    assert set(accepted) == {key.public.fingerprint for key in keys[:2]}
    assert read.pae() == pae(PAYLOAD_TYPE, PAYLOAD)


def test_what_we_write_we_read(keys: tuple[PrivateKey, ...]) -> None:
    sealed = seal(PAYLOAD, keys[:2])
    read = parse(sealed.to_bytes())
    assert read == sealed
    assert read.signers(k.public for k in keys) == {k.public for k in keys[:2]}


def test_a_signature_by_a_stranger_is_refused_even_beside_a_good_one(
    keys: tuple[PrivateKey, ...],
) -> None:
    with pytest.raises(SignatureError, match="by no key that may sign here"):
        seal(PAYLOAD, keys[:2]).signers([keys[0].public])


def test_two_signatures_by_one_key_are_refused(keys: tuple[PrivateKey, ...]) -> None:
    with pytest.raises(SignatureError, match="signed twice"):
        seal(PAYLOAD, [keys[0], keys[0]]).signers([keys[0].public])


def test_a_keyid_must_be_that_of_the_key_that_signed(keys: tuple[PrivateKey, ...]) -> None:
    one = seal(PAYLOAD, [keys[0]]).signatures[0][1]
    swapped = envelope.Envelope(PAYLOAD, ((keys[1].public.fingerprint, one),))
    with pytest.raises(SignatureError, match="is not that of the key that signed"):
        swapped.signers(k.public for k in keys)


def test_a_signature_covers_the_payload(keys: tuple[PrivateKey, ...]) -> None:
    sealed = seal(PAYLOAD, [keys[0]])
    other = envelope.Envelope(PAYLOAD + b" ", sealed.signatures)
    with pytest.raises(SignatureError, match="by no key"):
        other.signers([keys[0].public])


def test_a_signature_covers_the_payload_type(keys: tuple[PrivateKey, ...]) -> None:
    signature = keys[0].sign(pae("application/json", PAYLOAD))
    other = envelope.Envelope(PAYLOAD, ((keys[0].public.fingerprint, signature),))
    with pytest.raises(SignatureError, match="by no key"):
        other.signers([keys[0].public])


def test_a_longer_form_of_the_same_signature_is_refused(keys: tuple[PrivateKey, ...]) -> None:
    # S + L is the same scalar modulo the group's order; accepting it would make digests malleable.
    order = 2**252 + 27742317777372353535851937790883648493
    signature = seal(PAYLOAD, [keys[0]]).signatures[0][1]
    scalar = (int.from_bytes(signature[32:], "little") + order).to_bytes(32, "little")
    twin = envelope.Envelope(PAYLOAD, ((keys[0].public.fingerprint, signature[:32] + scalar),))
    with pytest.raises(SignatureError, match="by no key"):
        twin.signers([keys[0].public])


def _set(key: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda body: body.update({key: value})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_set("payloadType", "application/json"), "payloadType must be"),
        (_set("extra", 1), "expected payload, payloadType and signatures"),
        (lambda body: body.pop("payload"), "expected payload"),
        (_set("signatures", []), "expected 1 to 100 signatures"),
        (_set("signatures", {}), "expected 1 to 100 signatures"),
        (_set("signatures", [{"sig": "", "keyid": ""}] * 101), "expected 1 to 100 signatures"),
        (_set("signatures", [1]), "a signature has keyid and sig"),
        (_set("signatures", [{"sig": ""}]), "a signature has keyid and sig"),
        (_set("signatures", [{"sig": "", "keyid": 1}]), "keyid must be text"),
        (_set("signatures", [{"sig": 1, "keyid": ""}]), "expected base64 text"),
        (_set("payload", 1), "expected base64 text"),
        (_set("payload", "e30"), "malformed base64"),
        (_set("payload", "e3=0"), "malformed base64"),
        (_set("payload", "é"), "malformed base64"),
    ],
)
def test_malformed_envelopes_are_refused(
    keys: tuple[PrivateKey, ...], change: Callable[[dict[str, Any]], None], message: str
) -> None:
    data = seal(PAYLOAD, [keys[0]]).to_bytes()
    with pytest.raises(SignatureError, match=message):
        parse(altered(data, change))


@pytest.mark.parametrize("data", [b"", b"[]\n", b"{", b"\xff", b'{"a":1,"a":1}'])
def test_what_is_no_envelope_is_refused(data: bytes) -> None:
    with pytest.raises(SignatureError, match="not a DSSE envelope"):
        parse(data)


def test_the_url_alphabet_is_refused() -> None:
    body: dict[str, Any] = {"payload": base64.urlsafe_b64encode(b"\xff\xff\xff").decode()}
    body |= {"payloadType": PAYLOAD_TYPE, "signatures": [{"keyid": "", "sig": ""}]}
    with pytest.raises(SignatureError, match="malformed base64"):
        parse(json.dumps(body).encode())


def test_only_the_canonical_bytes_are_accepted(keys: tuple[PrivateKey, ...]) -> None:
    data = seal(PAYLOAD, [keys[0]]).to_bytes()
    spaced = json.dumps(json.loads(data)).encode() + b"\n"
    for other in (data[:-1], data + b"\n", b" " + data, spaced, data.replace(b"\n", b"\r\n")):
        with pytest.raises(SignatureError, match="not the canonical form"):
            parse(other)


def test_bits_that_base64_ignores_are_refused(keys: tuple[PrivateKey, ...]) -> None:
    data = seal(b"a", [keys[0]]).to_bytes()
    assert b'"YQ=="' in data
    with pytest.raises(SignatureError, match="not the canonical form"):
        parse(data.replace(b'"YQ=="', b'"YR=="'))


def test_an_oversize_file_is_refused_before_it_is_read() -> None:
    with pytest.raises(SignatureError, match="larger than"):
        parse(b"{" * (envelope.MAX_BYTES + 1))
