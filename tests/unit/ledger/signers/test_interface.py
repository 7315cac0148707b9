"""How `--key` finds its signer."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from dpgate.errors import KeyFileError
from dpgate.ledger.keys import PrivateKey, PublicKey, generate, load_private
from dpgate.ledger.signers import interface
from dpgate.ledger.signers.agent import AgentKey
from dpgate.ledger.signers.interface import open_signer
from tests.unit.ledger.signers import agents


class Vault:
    """A third party's: signs with a key that the place names."""

    def open(self, place: str, passphrase: bytes | None) -> PrivateKey:
        return load_private(Path(place), passphrase)


def installed(monkeypatch: pytest.MonkeyPatch, *values: str) -> None:
    points = [EntryPoint("vault", value, interface.GROUP) for value in values]

    def entry_points(*, group: str, name: str) -> list[EntryPoint]:
        return [point for point in points if (point.group, point.name) == (group, name)]

    monkeypatch.setattr(interface, "entry_points", entry_points)


@pytest.fixture
def public(tmp_path: Path) -> PublicKey:
    return generate(tmp_path / "key", "ann")


def test_a_path_is_a_file(public: PublicKey, tmp_path: Path) -> None:
    assert open_signer(str(tmp_path / "key")).public == public


def test_a_word_that_no_family_has_is_a_file(
    public: PublicKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert open_signer("key").public == public
    with pytest.raises(KeyFileError, match="cannot read key other:key"):
        open_signer("other:key")


def test_agent_is_a_family(
    public: PublicKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with agents.running() as path:
        monkeypatch.setenv("SSH_AUTH_SOCK", path)
        agents.add(path, tmp_path / "key")
        for text in ("agent", f"agent:{public.fingerprint}", f"agent:{tmp_path / 'key.pub'}"):
            assert open_signer(text) == AgentKey(public, path)


def test_a_third_party_adds_one(
    public: PublicKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(monkeypatch, f"{__name__}:Vault")
    assert open_signer(f"vault:{tmp_path / 'key'}").public == public


@pytest.mark.parametrize(
    ("values", "why"),
    [
        (("a:B", "c:D"), "claimed by several packages"),
        (("nowhere.at.all:Vault",), "cannot be loaded: ModuleNotFoundError"),
    ],
)
def test_a_family_that_cannot_be_told_or_loaded_is_an_error(
    monkeypatch: pytest.MonkeyPatch, values: tuple[str, ...], why: str
) -> None:
    installed(monkeypatch, *values)
    with pytest.raises(KeyFileError, match=why):
        open_signer("vault:here")
