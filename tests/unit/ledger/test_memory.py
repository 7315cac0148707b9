"""What a machine remembers: a chain that shrank or changed is found, damage is not forgiven."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from filelock import Timeout

from dpgate.errors import ChainError, UndecidedError
from dpgate.ledger.chain import Chain, Link, link_up
from dpgate.ledger.keys import PrivateKey
from dpgate.ledger.memory import Memory, known_roots, state_folder
from tests.unit.ledger import records


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DPGATE_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def chain(key: PrivateKey) -> Chain:
    return link_up(records.history(key))


def shorter(chain: Chain, count: int) -> Chain:
    return link_up(chain.links[:count])


def test_what_was_remembered_is_known_again(chain: Chain) -> None:
    memory = Memory(chain.root)
    assert memory.last() is None
    memory.check(chain)
    assert known_roots() == ()
    memory.remember(chain)
    assert memory.last() == (5, chain.head.digest)
    assert known_roots() == (chain.root,)
    memory.check(chain)


def test_a_chain_that_grew_is_welcome(chain: Chain) -> None:
    memory = Memory(chain.root)
    memory.remember(shorter(chain, 3))
    memory.check(chain)


@pytest.mark.parametrize("left", [1, 2, 3, 4])
def test_a_rollback_is_found(chain: Chain, left: int) -> None:
    memory = Memory(chain.root)
    memory.remember(chain)
    with pytest.raises(ChainError, match=r"was rolled back") as found:
        memory.check(shorter(chain, left))
    assert f"has {left} entries, and 5 were seen" in str(found.value)
    assert found.value.exit_code == 3


def test_a_rewritten_tail_is_found_however_long(chain: Chain, key: PrivateKey) -> None:
    memory = Memory(chain.root)
    memory.remember(shorter(chain, 3))
    links: tuple[Link, ...] = chain.links[:2]
    for number in range(4):
        links = (*links, records.link(records.reserve(links, f"visits/other-{number}"), key))
    with pytest.raises(ChainError, match="rolled back or rewritten"):
        memory.check(link_up(links))


def test_an_older_view_does_not_make_it_forget(chain: Chain) -> None:
    memory = Memory(chain.root)
    memory.remember(chain)
    memory.remember(shorter(chain, 3))
    assert memory.last() == (5, chain.head.digest)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"{}", b'{"sequence": "x", "digest": "y"}', b"\xff\xfe"],
)
def test_a_damaged_memory_decides_nothing(chain: Chain, content: bytes) -> None:
    memory = Memory(chain.root)
    memory.remember(chain)
    (memory.folder / "head.json").write_bytes(content)
    with pytest.raises(UndecidedError, match="cannot read what was last seen") as found:
        memory.check(chain)
    assert found.value.exit_code == 4
    assert known_roots() == ()


def test_an_unreadable_memory_decides_nothing(chain: Chain) -> None:
    memory = Memory(chain.root)
    (memory.folder / "head.json").mkdir(parents=True)
    with pytest.raises(UndecidedError):
        memory.check(chain)


def test_repositories_are_kept_apart(chain: Chain) -> None:
    Memory(chain.root).remember(chain)
    other = Memory("sha256:" + "1" * 64)
    assert other.last() is None
    assert other.folder != Memory(chain.root).folder


def test_only_its_owner_can_look_in(chain: Chain) -> None:
    memory = Memory(chain.root)
    memory.remember(chain)
    assert stat.S_IMODE(memory.folder.stat().st_mode) == 0o700
    assert list(memory.folder.iterdir()) == [memory.folder / "head.json"]
    assert json.loads((memory.folder / "head.json").read_text())["root"] == chain.root


def test_the_lock_is_one_for_all(chain: Chain) -> None:
    one, two = Memory(chain.root).lock, Memory(chain.root).lock
    with one.acquire(timeout=0), pytest.raises(Timeout):
        two.acquire(timeout=0)
    with two.acquire(timeout=0):
        pass


def test_the_place_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert state_folder() == tmp_path / "state"
    monkeypatch.delenv("DPGATE_STATE")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    assert state_folder() == tmp_path / "xdg" / "dpgate"
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert state_folder() == tmp_path / "home" / ".local" / "state" / "dpgate"
