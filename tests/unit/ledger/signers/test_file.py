"""Key files as signers."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from dpgate.errors import KeyFileError, LockedKeyError
from dpgate.ledger.keys import generate
from dpgate.ledger.signers.file import KeyFile
from dpgate.ledger.signers.interface import Signer
from tests.suites.signers import SignerSuite
from tests.unit.ledger.signers import agents


class FileSuite(SignerSuite):
    path: Path
    passphrase: bytes | None = None

    def open(self) -> Signer:
        return KeyFile().open(str(self.path), self.passphrase)

    def secret(self) -> bytes:
        return self.path.read_bytes().splitlines()[2]

    def elsewhere(self) -> str:
        return str(self.path.with_name("none"))

    def open_elsewhere(self) -> Signer:
        return KeyFile().open(self.elsewhere(), None)


class TestOpenSsh(FileSuite):
    @pytest.fixture(autouse=True)
    def _made(self, tmp_path: Path) -> None:
        self.path = tmp_path / "key"
        generate(self.path, "ann")


class TestPem(FileSuite):
    passphrase = b"open sesame"

    @pytest.fixture(autouse=True)
    def _made(self, tmp_path: Path) -> None:
        self.path = tmp_path / "key.pem"
        words: list[str | Path] = ["openssl", "genpkey", "-algorithm", "ed25519", "-out", self.path]
        words += ["-aes-256-cbc", "-pass", "pass:open sesame"]
        subprocess.run(words, check=True, capture_output=True)

    def test_without_its_passphrase_it_is_locked(self) -> None:
        with pytest.raises(LockedKeyError, match="protected by a passphrase"):
            KeyFile().open(str(self.path), None)


def test_a_public_file_leads_to_the_agent_that_holds_its_other_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    public = generate(tmp_path / "key", "ann")
    with agents.running() as path:
        monkeypatch.setenv("SSH_AUTH_SOCK", path)
        with pytest.raises(KeyFileError, match="does not hold"):
            KeyFile().open(str(tmp_path / "key.pub"), None)
        agents.add(path, tmp_path / "key")
        (tmp_path / "key").unlink()
        signer = KeyFile().open(str(tmp_path / "key.pub"), None)
        assert signer.public == public
        assert public.verifies(signer.sign(b"x"), b"x")
