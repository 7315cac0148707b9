"""Keys in OpenSSH's own format, checked against OpenSSH's own tools."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import pytest

from dpgate.errors import KeyFileError, LockedKeyError
from dpgate.ledger.keys import PublicKey, generate, load_private, parse_public


def ssh_keygen(path: Path, *, kind: str = "ed25519", passphrase: str = "") -> Path:
    bits = ("-b", "2048") if kind == "rsa" else ()
    words = ["ssh-keygen", "-q", "-t", kind, *bits, "-N", passphrase, "-C", "ann@x", "-f", path]
    subprocess.run(words, check=True, capture_output=True)
    return path


def public_text(path: Path) -> str:
    return path.with_name(path.name + ".pub").read_text()


def test_a_key_of_ssh_keygen_is_read_and_its_fingerprint_agrees(tmp_path: Path) -> None:
    path = ssh_keygen(tmp_path / "key")
    shown = subprocess.run(["ssh-keygen", "-l", "-f", path], check=True, capture_output=True)
    key = load_private(path)
    assert key.public.fingerprint == shown.stdout.decode().split()[1]
    assert key.public == parse_public(public_text(path))
    assert parse_public(public_text(path)).comment == "ann@x"
    assert key.public.line == " ".join(public_text(path).split()[:2])


def test_a_signature_verifies_under_its_own_key_alone(tmp_path: Path) -> None:
    one, two = (load_private(ssh_keygen(tmp_path / name)) for name in "ab")
    signature = one.sign(b"statement")
    assert one.public.verifies(signature, b"statement")
    assert not two.public.verifies(signature, b"statement")
    assert not one.public.verifies(signature, b"statemenu")
    assert not one.public.verifies(b"", b"statement")


def test_a_passphrase_is_needed_where_there_is_one(tmp_path: Path) -> None:
    path = ssh_keygen(tmp_path / "key", passphrase="open sesame")
    assert load_private(path, b"open sesame").public == parse_public(public_text(path))
    with pytest.raises(LockedKeyError, match="protected by a passphrase") as missing:
        load_private(path)
    assert "DPGATE_KEY_PASSPHRASE" in missing.value.fix
    with pytest.raises(KeyFileError, match="passphrase is wrong"):
        load_private(path, b"wrong")


def test_a_passphrase_of_another_key_does_not_lock_this_one(tmp_path: Path) -> None:
    path = ssh_keygen(tmp_path / "key")
    assert load_private(path, b"of another").public == parse_public(public_text(path))


def pem(path: Path, passphrase: str = "", algorithm: str = "ed25519") -> Path:
    """A key that OpenSSL made: PKCS#8 in PEM."""
    words: list[str | Path] = ["openssl", "genpkey", "-algorithm", algorithm, "-out", path]
    if passphrase:
        words += ["-aes-256-cbc", "-pass", f"pass:{passphrase}"]
    subprocess.run(words, check=True, capture_output=True)
    return path


@pytest.mark.parametrize("passphrase", ["", "open sesame"])
def test_a_pem_key_of_openssl_is_read_and_signs_as_openssl_does(
    tmp_path: Path, passphrase: str
) -> None:
    path = pem(tmp_path / "key.pem", passphrase)
    key = load_private(path, passphrase.encode() or None)
    (tmp_path / "message").write_bytes(b"statement")
    signing: list[str | Path] = [
        "openssl",
        "pkeyutl",
        "-sign",
        "-rawin",
        "-inkey",
        path,
        "-in",
        tmp_path / "message",
    ]
    words = [*signing, *(["-passin", f"pass:{passphrase}"] if passphrase else [])]
    theirs = subprocess.run(words, check=True, capture_output=True).stdout
    assert key.sign(b"statement") == theirs
    assert key.public.verifies(theirs, b"statement")


def test_a_pem_key_with_a_passphrase_needs_it(tmp_path: Path) -> None:
    path = pem(tmp_path / "key.pem", "open sesame")
    with pytest.raises(LockedKeyError, match="protected by a passphrase"):
        load_private(path)
    with pytest.raises(KeyFileError, match="the passphrase is wrong"):
        load_private(path, b"wrong")


def test_other_kinds_of_pem_key_are_refused(tmp_path: Path) -> None:
    for kind in ("x25519", "ed448"):
        with pytest.raises(KeyFileError, match="not an Ed25519 key"):
            load_private(pem(tmp_path / kind, algorithm=kind))
    public = tmp_path / "public.pem"
    words: list[str | Path] = [
        "openssl",
        "pkey",
        "-in",
        pem(tmp_path / "key.pem"),
        "-pubout",
        "-out",
        public,
    ]
    subprocess.run(words, check=True, capture_output=True)
    with pytest.raises(KeyFileError, match="not an OpenSSH or PEM private key"):
        load_private(public)


@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
def test_other_kinds_of_key_are_refused(tmp_path: Path, kind: str) -> None:
    path = ssh_keygen(tmp_path / "key", kind=kind)
    with pytest.raises(KeyFileError, match="not an Ed25519 key"):
        load_private(path)
    with pytest.raises(KeyFileError, match="not an OpenSSH Ed25519 public key"):
        parse_public(public_text(path))


@pytest.mark.parametrize("content", [b"", b"secret", b"-----BEGIN OPENSSH PRIVATE KEY-----\nAA\n"])
def test_what_is_no_key_is_refused_without_showing_it(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key").write_bytes(content)
    with pytest.raises(KeyFileError, match="not an OpenSSH or PEM private key") as refused:
        load_private(tmp_path / "key")
    assert "secret" not in str(refused.value).replace(str(tmp_path), "")


def test_a_missing_key_names_the_command_that_makes_one(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="No such file") as missing:
        load_private(tmp_path / "none")
    assert "dpgate keygen" in missing.value.fix


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not an OpenSSH"),
        ("ssh-ed25519", "not an OpenSSH"),
        ("no-pty {key}", "not an OpenSSH"),
        ("{key}\n{key}", "not an OpenSSH"),
        ("ssh-ed25519 AAAA", "not a well-formed"),
        ("ssh-ed25519 ####", "not a well-formed"),
        ("ssh-ed25519 ключ", "not a well-formed"),
        ("{key}AAAA", "not a well-formed"),
    ],
)
def test_malformed_public_keys_are_refused(tmp_path: Path, text: str, message: str) -> None:
    line = " ".join(public_text(ssh_keygen(tmp_path / "key")).split()[:2])
    with pytest.raises(KeyFileError, match=message):
        parse_public(text.format(key=line))


def test_a_comment_decides_nothing(tmp_path: Path) -> None:
    key = parse_public(public_text(ssh_keygen(tmp_path / "key")))
    renamed = parse_public(f"{key.line} somebody else entirely")
    assert renamed == key
    assert {renamed: 1}[key] == 1
    assert renamed.comment == "somebody else entirely"


def test_generated_keys_are_for_their_owner_alone_and_openssh_reads_them(tmp_path: Path) -> None:
    path = tmp_path / "new" / "key"
    public = generate(path, "ann@example.org")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_private(path).public == public
    shown = subprocess.run(["ssh-keygen", "-y", "-f", path], check=True, capture_output=True)
    assert shown.stdout.decode().split()[:2] == public.line.split()
    assert public_text(path) == f"{public.line} ann@example.org\n"
    assert generate(tmp_path / "bare", "").comment == ""


def test_no_file_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "key"
    generate(path, "")
    before = path.read_bytes()
    with pytest.raises(KeyFileError, match=r"key\.pub exists already"):
        generate(path, "")
    path.with_name("key.pub").unlink()
    with pytest.raises(KeyFileError, match="key exists already"):
        generate(path, "")
    assert path.read_bytes() == before
    assert not path.with_name("key.pub").exists()


def test_a_key_that_cannot_be_written_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(KeyFileError, match="cannot write"):
        generate(tmp_path / "file" / "key", "")


def test_a_private_key_is_not_shown(tmp_path: Path) -> None:
    key = load_private(ssh_keygen(tmp_path / "key"))
    assert "Ed25519PrivateKey" not in repr(key)
    assert isinstance(key.public, PublicKey)
