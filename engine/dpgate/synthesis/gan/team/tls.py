"""Who may be a process of a training: TLS 1.3, certificates on both sides, by one authority."""

from __future__ import annotations

import datetime as dt
import os
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from dpgate.errors import SynthesisError


@dataclass(frozen=True, kw_only=True)
class Papers:
    """Files in PEM.

    Attributes:
        key: private, without a passphrase.
        certificate: of that key, and of what stands between it and the authority.
        authority: whoever holds a certificate by it is a member, whatever it is called.
    """

    key: str
    certificate: str
    authority: str


def context(papers: Papers, *, server: bool) -> ssl.SSLContext:
    """What a channel is made with: both sides show a certificate, and no other authority counts.

    Raises:
        SynthesisError: a file cannot be used; it is named, what it holds is not.
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_3
    made.check_hostname = False  # members meet through a store; certificates say who is one
    made.verify_mode = ssl.CERT_REQUIRED
    try:
        made.load_verify_locations(cafile=papers.authority)
        made.load_cert_chain(papers.certificate, papers.key, password="")
    except (OSError, ValueError):
        raise SynthesisError(
            f"{papers.key}, {papers.certificate} and {papers.authority} are no key, its certificate "
            "and an authority",
            fix="files in PEM; the key matches the certificate and has no passphrase",
        ) from None
    if server:
        made.num_tickets = 0  # nothing is resumed
    return made


def require_own(papers: Papers, *, server: bool) -> None:
    """Refuses papers by which another member would not know this process.

    Args:
        papers: its own.
        server: whether it is rank 0, the server.

    Raises:
        SynthesisError: a file cannot be used, or the authority does not vouch for the certificate.
    """
    own, other = context(papers, server=server), context(papers, server=not server)
    own.verify_mode = ssl.CERT_NONE  # it is the other who judges
    here, there = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        own.wrap_bio(here, there, server_side=server),
        other.wrap_bio(there, here, server_side=not server),
    ]
    try:
        while ends:
            ends = [end for end in ends if not _shaken(end)]
    except ssl.SSLError:
        raise SynthesisError(
            f"{papers.certificate} is no valid certificate by {papers.authority}",
            fix="all members' certificates are by one authority, for their use, and not out of date",
        ) from None


def _shaken(end: ssl.SSLObject) -> bool:
    try:
        end.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True


def ephemeral(folder: Path) -> Papers:
    """Papers of one training on this machine: whoever can read the folder is a member.

    Args:
        folder: private to this user, removed after the training.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "dpgate training")])
    today = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - dt.timedelta(hours=1))
        .not_valid_after(today + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    papers = kept(folder)
    _write(Path(papers.key), private)
    _write(Path(papers.certificate), certificate.public_bytes(serialization.Encoding.PEM))
    return papers


def kept(folder: Path) -> Papers:
    """Where `ephemeral` puts papers: the certificate is its own authority."""
    certificate = str(folder / "certificate.pem")
    return Papers(key=str(folder / "key.pem"), certificate=certificate, authority=certificate)


def _write(path: Path, content: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
