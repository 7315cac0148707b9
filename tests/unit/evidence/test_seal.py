"""Sealed evidence opens with the steward's identity alone, and its size tells nothing."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys

import pyrage
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from dpgate.errors import EvidenceError
from dpgate.evidence.seal import parse, seal, validate_recipient

STEWARD = pyrage.x25519.Identity.generate()
AGE = str(STEWARD.to_public())
KEY = Ed25519PrivateKey.generate()
OPENSSH = serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
SSH = KEY.public_key().public_bytes(*OPENSSH).decode()
ECDSA = generate_private_key(SECP256R1()).public_key().public_bytes(*OPENSSH).decode()


def ssh_identity() -> pyrage.ssh.Identity:
    private = KEY.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    )
    return pyrage.ssh.Identity.from_buffer(private)


@pytest.mark.parametrize(
    "recipient", [AGE, SSH, f"{SSH} steward@example"], ids=["age", "ssh", "comment"]
)
def test_each_recipient_can_open_it_alone(recipient: str) -> None:
    identity = STEWARD if recipient == AGE else ssh_identity()
    others = [str(pyrage.x25519.Identity.generate().to_public())]
    sealed = seal(b'{"tvd": "0.1"}', [*others, recipient])
    assert pyrage.decrypt(sealed.ciphertext, [identity]).rstrip(b"\n") == b'{"tvd": "0.1"}'


def test_nobody_else_can() -> None:
    sealed = seal(b"canary", [AGE])
    assert b"canary" not in sealed.ciphertext
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(sealed.ciphertext, [pyrage.x25519.Identity.generate()])


@pytest.mark.parametrize(
    ("length", "size"), [(0, 65_536), (1, 65_536), (65_536, 65_536), (65_537, 131_072)]
)
def test_padding_hides_the_length(length: int, size: int) -> None:
    sealed = seal(b"x" * length, [AGE])
    assert sealed.size == size
    assert len(pyrage.decrypt(sealed.ciphertext, [STEWARD])) == size
    # The header's length is random (age adds stanzas that mean nothing); then a nonce of 16 bytes,
    # and a tag of 16 for each 64 KiB.
    body = sealed.ciphertext.split(b"\n--- ", 1)[1].split(b"\n", 1)[1]
    assert len(body) == 16 + size + 16 * (size // 65_536)


def test_the_record_holds_digest_and_padded_size() -> None:
    sealed = seal(b"secret", [AGE])
    assert sealed.result("marginal_tvd_exact").model_dump(mode="json") == {
        "disclosure": "restricted",
        "metric": "marginal_tvd_exact",
        "ciphertext": f"sha256:{hashlib.sha256(sealed.ciphertext).hexdigest()}",
        "size": 65_536,
    }


def test_the_same_document_has_another_digest_each_time() -> None:
    assert seal(b"same", [AGE]).sha256 != seal(b"same", [AGE]).sha256


WRONG = {
    "mistyped": (AGE[:20] + ("q" if AGE[20] != "q" else "p") + AGE[21:], "checksum"),
    "too short": (AGE[:-1], "58 characters"),
    "upper case": (AGE.upper(), "neither"),
    "secret key": (str(STEWARD), "secret key"),
    "other key type": (ECDSA, "neither"),
    "other key in disguise": ("ssh-ed25519 " + ECDSA.split()[1][:68], "not an ssh-ed25519"),
    "two lines": (f"{SSH} a\nssh-rsa b", "neither"),
    "empty": ("", "neither"),
}


@pytest.mark.parametrize(("text", "fault"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_recipient_is_named(text: str, fault: str) -> None:
    assert fault in (validate_recipient(text) or "")
    with pytest.raises(EvidenceError, match="recipient 2") as caught:
        seal(b"secret", [AGE, text])
    assert str(STEWARD) not in str(caught.value)


def test_a_key_that_only_age_can_tell_is_none_is_named_too() -> None:
    no_point = b"\x00\x00\x00\x0bssh-ed25519\x00\x00\x00\x20\x02" + bytes(31)
    text = f"ssh-ed25519 {base64.b64encode(no_point).decode()}"
    assert validate_recipient(text) is None
    with pytest.raises(EvidenceError, match=r"recipient 2, .* is refused by age"):
        parse([AGE, text])


def test_no_recipient_is_an_error() -> None:
    with pytest.raises(EvidenceError, match="no one"):
        parse([])


def test_any_single_mistyped_character_is_found() -> None:
    for place in range(4, len(AGE)):
        for letter in "qpzl0":
            if letter != AGE[place]:
                assert validate_recipient(AGE[:place] + letter + AGE[place + 1 :])


@pytest.mark.parametrize("text", [AGE, SSH, f"{SSH} someone"], ids=["age", "ssh", "comment"])
def test_a_right_recipient_is_found_right(text: str) -> None:
    assert validate_recipient(text) is None
    assert len(parse([text])) == 1


def in_a_process_without_pyrage(statement: str) -> subprocess.CompletedProcess[str]:
    program = (
        f"import sys; sys.modules['pyrage'] = None\nfrom dpgate.evidence.seal import *\n{statement}"
    )
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )


def test_without_pyrage_recipients_are_checked_and_sealing_names_the_extra() -> None:
    assert (
        in_a_process_without_pyrage(f"assert validate_recipient({AGE!r}) is None").returncode == 0
    )
    failed = in_a_process_without_pyrage(f"seal(b'', [{AGE!r}])")
    assert "MissingExtraError: encrypting restricted evidence needs packages" in failed.stderr
