"""Git commits signed as `ssh-keygen -Y sign` signs them, by any signer.

Source: PROTOCOL.sshsig of OpenSSH. People see such commits as good in `git log --show-signature`;
nothing in dpgate rests on them.
"""

from __future__ import annotations

import base64
import hashlib

from dpgate.ledger.signers.interface import Signer
from dpgate.ledger.signers.wire import string, uint32

_MAGIC = b"SSHSIG"
_NAMESPACE = b"git"
_HASH = b"sha512"


def signed_commit(commit: bytes, signer: Signer, *, header: str = "gpgsig") -> bytes:
    """A commit object with a signature over the rest of it.

    Args:
        commit: the unsigned commit object.
        signer: whose signature it gets.
        header: ``gpgsig``, or ``gpgsig-sha256`` in a repository of SHA-256 objects.
    """
    head, _, message = commit.partition(b"\n\n")
    lines = _armored(commit, signer).split("\n")
    signature = f"{header} " + "\n ".join(lines)
    return b"\n".join((head, signature.encode())) + b"\n\n" + message


def _armored(message: bytes, signer: Signer) -> str:
    digest = hashlib.sha512(message).digest()
    about = string(_NAMESPACE) + string(b"") + string(_HASH)
    signature = signer.sign(_MAGIC + about + string(digest))
    blob = (
        _MAGIC + uint32(1) + string(signer.public.blob) + about
        + string(string(b"ssh-ed25519") + string(signature))
    )  # fmt: skip
    text = base64.b64encode(blob).decode()
    rows = [text[at : at + 70] for at in range(0, len(text), 70)]
    return "\n".join(("-----BEGIN SSH SIGNATURE-----", *rows, "-----END SSH SIGNATURE-----"))
