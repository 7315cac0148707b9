"""Keys that an SSH agent holds: OpenSSH's own agent, and agents that misbehave."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dpgate.errors import KeyFileError
from dpgate.ledger.keys import PrivateKey, PublicKey, generate, load_private
from dpgate.ledger.signers.agent import Agent, AgentKey
from dpgate.ledger.signers.interface import Signer
from dpgate.ledger.signers.wire import string, uint32
from tests.suites.signers import SignerSuite
from tests.unit.ledger.signers import agents


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with agents.running() as path:
        monkeypatch.setenv("SSH_AUTH_SOCK", path)
        yield path


class TestAgent(SignerSuite):
    @pytest.fixture(autouse=True)
    def _made(self, agent: str, tmp_path: Path) -> None:
        generate(tmp_path / "key", "ann@example.org")
        agents.add(agent, tmp_path / "key")
        (tmp_path / "key").unlink()  # only the agent has it now

    def open(self) -> Signer:
        return Agent().open("", None)

    def secret(self) -> None:
        return None

    def elsewhere(self) -> str:
        return "SHA256:" + "A" * 43

    def open_elsewhere(self) -> Signer:
        return Agent().open(self.elsewhere(), None)


def key_in(folder: Path, agent: str, name: str) -> PrivateKey:
    generate(folder / name, name)
    agents.add(agent, folder / name)
    return load_private(folder / name)


def refused(place: str = "") -> KeyFileError:
    with pytest.raises(KeyFileError) as error:
        Agent().open(place, None)
    return error.value


def test_the_agent_signs_what_the_file_would(agent: str, tmp_path: Path) -> None:
    ann = key_in(tmp_path, agent, "ann")
    assert Agent().open("", None).sign(b"statement") == ann.sign(b"statement")


def test_of_several_keys_one_is_named(agent: str, tmp_path: Path) -> None:
    ann, bob = (key_in(tmp_path, agent, name) for name in ("ann", "bob"))
    error = refused()
    assert "several keys" in error.message
    assert ann.public.fingerprint in error.message
    assert "--key agent:SHA256:" in error.fix
    assert Agent().open(bob.public.fingerprint, None).public == bob.public
    assert Agent().open(str(tmp_path / "ann.pub"), None).public == ann.public


def test_keys_of_other_kinds_are_passed_over(agent: str, tmp_path: Path) -> None:
    words: list[str | Path] = [
        "ssh-keygen",
        "-q",
        "-t",
        "ecdsa",
        "-N",
        "",
        "-f",
        tmp_path / "other",
    ]
    subprocess.run(words, check=True, capture_output=True)
    agents.add(agent, tmp_path / "other")
    assert "holds no Ed25519 key, or is locked" in refused().message
    ann = key_in(tmp_path, agent, "ann")
    assert Agent().open("", None).public == ann.public
    assert "not an OpenSSH Ed25519 public key" in refused(str(tmp_path / "other.pub")).message


def test_a_locked_agent_is_told(agent: str, tmp_path: Path) -> None:
    ann = key_in(tmp_path, agent, "ann")
    signer = Agent().open("", None)
    agents.lock(agent, "passphrase")
    assert "or is locked" in refused().message
    assert "or is locked" in refused(ann.public.fingerprint).message
    with pytest.raises(KeyFileError, match="refused to sign") as error:
        signer.sign(b"statement")
    assert "ssh-add -X" in error.value.fix


def test_a_key_that_was_removed_signs_no_more(agent: str, tmp_path: Path) -> None:
    key_in(tmp_path, agent, "ann")
    signer = Agent().open("", None)
    agents.add(agent, "-D")
    with pytest.raises(KeyFileError, match="refused to sign"):
        signer.sign(b"statement")


def test_what_is_longer_than_an_agent_takes_is_said_before_it_is_sent(
    agent: str, tmp_path: Path
) -> None:
    key_in(tmp_path, agent, "ann")
    signer = Agent().open("", None)
    assert len(signer.sign(b"x" * 200_000)) == 64
    with pytest.raises(KeyFileError, match="at most 262144 bytes") as error:
        signer.sign(b"x" * 262_144)
    assert error.value.fix == "sign with a key file: --key FILE"


def test_without_an_agent_there_is_a_way_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    assert "SSH_AUTH_SOCK is not set" in refused().message
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "gone"))
    error = refused()
    assert "cannot be reached: No such file" in error.message
    assert "--key FILE" in error.fix


def test_a_public_key_file_that_is_not_there_is_named(agent: str, tmp_path: Path) -> None:
    assert "cannot read public key" in refused(str(tmp_path / "none.pub")).message


# ── agents that misbehave ────────────────────────────────────────────────────────────────────


@pytest.fixture
def ann(tmp_path: Path) -> PrivateKey:
    generate(tmp_path / "ann", "ann")
    return load_private(tmp_path / "ann")


def identities(*keys: tuple[bytes, bytes], count: int | None = None) -> bytes:
    body = b"".join(string(blob) + string(comment) for blob, comment in keys)
    return string(bytes([12]) + uint32(len(keys) if count is None else count) + body)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"", "hung up"),
        (uint32(9) + b"\x0c", "hung up"),
        (uint32(0), "answered with something"),
        (uint32(1 << 31), "answered with something"),
        (string(b"\x05"), "does not say what keys it holds"),
        (identities(count=1), "answered with something"),
        (identities() + b"", "holds no Ed25519 key"),
        (string(bytes([12]) + uint32(0) + b"more"), "answered with something"),
    ],
)
def test_a_list_that_is_none_is_refused(
    answer: bytes, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with agents.answering(answer) as path:
        monkeypatch.setenv("SSH_AUTH_SOCK", path)
        assert why in refused().message


def test_a_comment_cannot_draw_on_the_terminal(
    ann: PrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = identities((ann.public.blob, b"\x1b[2J"), (ann.public.blob, b"b"))
    with agents.answering(listed) as path:
        monkeypatch.setenv("SSH_AUTH_SOCK", path)
        message = refused().message
    assert message.isprintable()


def signature(key: PrivateKey, message: bytes, name: bytes = b"ssh-ed25519") -> bytes:
    return string(name) + string(key.sign(message))


def said(blob: bytes, after: bytes = b"") -> bytes:
    return string(bytes([14]) + string(blob) + after)


def test_an_answer_that_is_no_signature_of_this_key_is_refused(
    ann: PrivateKey, tmp_path: Path
) -> None:
    generate(tmp_path / "eve", "eve")
    eve = load_private(tmp_path / "eve")
    good = signature(ann, b"x")
    for answer in (
        said(signature(eve, b"x")),
        said(signature(ann, b"another message")),
        said(signature(ann, b"x", b"ssh-rsa")),
        said(good + b"more"),
        said(good, b"more"),
        said(good[:-1]),
        string(bytes([14])),
    ):
        with agents.answering(answer) as path:
            key = AgentKey(PublicKey(ann.public.blob), path)
            with pytest.raises(KeyFileError, match="no Ed25519 signature of this key"):
                key.sign(b"x")
    with agents.answering(said(good)) as path:
        assert AgentKey(ann.public, path).sign(b"x") == ann.sign(b"x")
