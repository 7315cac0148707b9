"""DSSE envelopes: signatures over the pre-authentication encoding of a payload.

Source: DSSE protocol v1.0.0 (secure-systems-lab/dsse). A file holds exactly the canonical JSON of
one envelope and a newline, so that every byte of it is accounted for.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from dpgate.errors import SignatureError
from dpgate.ledger.keys import PublicKey
from dpgate.ledger.signers.interface import Signer
from dpgate.loading.canonical import NotCanonical, canonical, is_canonical, parse_json

PAYLOAD_TYPE = "application/vnd.in-toto+json"
MAX_BYTES = 4 * 1024 * 1024
MAX_SIGNATURES = 100


def pae(payload_type: str, payload: bytes) -> bytes:
    """Pre-authentication encoding: what is signed."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


@dataclass(frozen=True)
class Envelope:
    """A payload and the signatures that came with it, not yet verified."""

    payload: bytes
    signatures: tuple[tuple[str, bytes], ...]
    """Pairs of keyid (a hint that never decides) and signature."""

    def signers(self, keys: Iterable[PublicKey]) -> frozenset[PublicKey]:
        """The distinct keys among ``keys`` that signed this payload.

        Raises:
            SignatureError: a signature is by none of ``keys``, a key signed twice, or a keyid
                does not belong to the key that signed.
        """
        message = pae(PAYLOAD_TYPE, self.payload)
        candidates = tuple(keys)
        found: set[PublicKey] = set()
        for keyid, signature in self.signatures:
            key = next((k for k in candidates if k.verifies(signature, message)), None)
            if key is None:
                raise SignatureError(f"a signature (keyid {keyid}) is by no key that may sign here")
            if key in found:
                raise SignatureError(f"key {key.fingerprint} signed twice")
            if keyid != key.fingerprint:
                raise SignatureError(f"keyid {keyid} is not that of the key that signed")
            found.add(key)
        return frozenset(found)

    def body(self) -> dict[str, object]:
        """The envelope as JSON values."""
        return {
            "payload": base64.b64encode(self.payload).decode(),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [
                {"keyid": keyid, "sig": base64.b64encode(signature).decode()}
                for keyid, signature in self.signatures
            ],
        }

    def to_bytes(self) -> bytes:
        """The file's bytes."""
        return canonical(self.body()) + b"\n"


def seal(payload: bytes, keys: Iterable[Signer]) -> Envelope:
    """Sign a payload with each key."""
    message = pae(PAYLOAD_TYPE, payload)
    return Envelope(payload, tuple((k.public.fingerprint, k.sign(message)) for k in keys))


def parse(data: bytes) -> Envelope:
    """Read a file's bytes; anything but the one canonical form is refused.

    Raises:
        SignatureError: not an envelope of ours, byte for byte.
    """
    if len(data) > MAX_BYTES:
        raise SignatureError(f"larger than {MAX_BYTES} bytes")
    try:
        body = parse_json(data, max_bytes=MAX_BYTES)
        envelope = _from_json(body)
    except NotCanonical as error:
        raise SignatureError(f"not a DSSE envelope: {error}") from None
    if data[-1:] != b"\n" or not is_canonical(envelope.body(), data[:-1]):
        raise SignatureError("the bytes are not the canonical form of the envelope they hold")
    return envelope


def _from_json(body: Any) -> Envelope:
    if not isinstance(body, dict) or set(body) != {"payload", "payloadType", "signatures"}:
        raise NotCanonical("expected payload, payloadType and signatures")
    if body["payloadType"] != PAYLOAD_TYPE:
        raise NotCanonical(f"payloadType must be {PAYLOAD_TYPE}")
    signatures = body["signatures"]
    if not isinstance(signatures, list) or not 1 <= len(signatures) <= MAX_SIGNATURES:
        raise NotCanonical(f"expected 1 to {MAX_SIGNATURES} signatures")
    pairs = []
    for item in signatures:
        if not isinstance(item, dict) or set(item) != {"keyid", "sig"}:
            raise NotCanonical("a signature has keyid and sig")
        if not isinstance(item["keyid"], str):
            raise NotCanonical("keyid must be text")
        pairs.append((item["keyid"], _base64(item["sig"])))
    return Envelope(_base64(body["payload"]), tuple(pairs))


def _base64(text: Any) -> bytes:
    if not isinstance(text, str):
        raise NotCanonical("expected base64 text")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NotCanonical("malformed base64") from None
