"""What every signer must do."""

from __future__ import annotations

import subprocess
from abc import abstractmethod
from pathlib import Path

import pytest

from dpgate.errors import KeyFileError
from dpgate.ledger import envelope
from dpgate.ledger.signers.interface import Signer
from dpgate.ledger.sshsig import signed_commit

COMMIT = (
    b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n"
    b"author a <a@b> 1790000000 +0000\ncommitter a <a@b> 1790000000 +0000\n\nTitle\n\nBody\n"
)


class SignerSuite:
    """Subclass it and say how the signer is opened."""

    @abstractmethod
    def open(self) -> Signer:
        """A signer that may sign."""

    @abstractmethod
    def secret(self) -> bytes | None:
        """The private half, if this process can know it."""

    @abstractmethod
    def elsewhere(self) -> str:
        """What ``--key`` would name where no key is."""

    @abstractmethod
    def open_elsewhere(self) -> Signer:
        """Opens that."""

    @pytest.mark.parametrize("size", [0, 1, 64, 10_000])
    def test_it_signs_exactly_the_bytes_it_is_given(self, size: int) -> None:
        signer = self.open()
        message = bytes(range(256)) * (size // 256 + 1)
        signature = signer.sign(message[:size])
        assert len(signature) == 64
        assert signer.public.verifies(signature, message[:size])
        assert not signer.public.verifies(signature, message[: size + 1])

    def test_ed25519_is_deterministic_so_two_signatures_are_one(self) -> None:
        signer = self.open()
        assert signer.sign(b"statement") == signer.sign(b"statement")

    def test_its_envelopes_verify_as_every_other(self) -> None:
        signer = self.open()
        data = envelope.seal(b'{"a":1}', [signer]).to_bytes()
        assert envelope.parse(data).signers([signer.public]) == {signer.public}

    def test_openssh_accepts_the_commits_it_signs(self, tmp_path: Path) -> None:
        signer = self.open()
        signers = tmp_path / "signers"
        signers.write_text(f'x namespaces="git" {signer.public.line}\n')
        trusting = ("-c", f"gpg.ssh.allowedSignersFile={signers}")
        subprocess.run(["git", "init", "-q", tmp_path / "r"], check=True)
        subprocess.run(["git", "mktree"], input=b"", cwd=tmp_path / "r", check=True)
        made = subprocess.run(
            ["git", "hash-object", "-t", "commit", "-w", "--stdin"],
            input=signed_commit(COMMIT, signer), cwd=tmp_path / "r", check=True, capture_output=True,
        ).stdout.decode()  # fmt: skip
        subprocess.run(
            ["git", *trusting, "verify-commit", made.strip()],
            cwd=tmp_path / "r", check=True, capture_output=True,
        )  # fmt: skip

    def test_it_never_shows_its_secret(self) -> None:
        signer, secret = self.open(), self.secret()
        shown = repr(signer) + str(signer)
        if secret is not None:
            assert secret.hex() not in shown
            assert repr(secret)[2:-1] not in shown
        assert "Ed25519PrivateKey" not in shown

    def test_where_there_is_no_key_the_error_says_what_to_do(self) -> None:
        with pytest.raises(KeyFileError) as missing:
            self.open_elsewhere()
        assert missing.value.fix
        assert missing.value.exit_code == 2
