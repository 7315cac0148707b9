"""`init` and `keygen`: a repository that works as it is, and keys that nobody overwrites."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

import dpgate
from dpgate.errors import KeyFileError, MissingExtraError, UsageError
from dpgate.ledger.keys import load_private, parse_public

ROOT = Path(__file__).resolve().parents[3]


def test_what_is_written_passes_check(tmp_path: Path) -> None:
    done = dpgate.init(tmp_path / "new")
    assert dpgate.check(tmp_path / "new").allowed
    keys = tmp_path / "new-keys"
    assert {path.name for path in keys.iterdir()} == {
        name for role in ("privacy", "legal", "runner") for name in (role, f"{role}.pub")
    }
    assert "git init" in done.next
    for line in done.lines[:5]:
        assert (tmp_path / "new" / line).is_file()


def test_signers_are_the_keys_of_the_policy(tmp_path: Path) -> None:
    dpgate.init(tmp_path / "new")
    signers = (tmp_path / "new/policies/allowed_signers").read_text()
    for role in ("privacy", "legal", "runner"):
        key = load_private(tmp_path / "new-keys" / role)
        assert f'{role}@dpgate namespaces="git" {key.public.line}\n' in signers
        (tmp_path / "message").write_text("hello")
        sign: list[str | Path] = [
            "ssh-keygen",
            "-Y",
            "sign",
            "-n",
            "git",
            "-f",
            key.path,
            tmp_path / "message",
        ]
        subprocess.run(sign, check=True, capture_output=True)
        words: list[str | Path] = [
            "-f",
            tmp_path / "new/policies/allowed_signers",
            "-I",
            f"{role}@dpgate",
        ]
        subprocess.run(
            ["ssh-keygen", "-Y", "verify", *words, "-n", "git", "-s", tmp_path / "message.sig"],
            input=b"hello",
            check=True,
            capture_output=True,
        )
        (tmp_path / "message.sig").unlink()


def test_keys_at_hand_are_used(tmp_path: Path) -> None:
    dpgate.keygen(tmp_path / "k" / "legal", comment="lee@example.org")
    dpgate.init(tmp_path / "new", keys=tmp_path / "k")
    policy = yaml.safe_load((tmp_path / "new/policies/organization.yaml").read_text())
    (line,) = policy["spec"]["roles"]["legal"]["keys"]
    assert parse_public(line).comment == "lee@example.org"
    assert parse_public(line) == load_private(tmp_path / "k" / "legal").public


def test_workflows_and_the_action_are_written_as_they_are(tmp_path: Path) -> None:
    dpgate.init(tmp_path / "new")
    github = tmp_path / "new/.github"
    for name, event in (("check", "pull_request"), ("release", "push")):
        text = (github / f"workflows/dpgate-{name}.yml").read_text()
        workflow = yaml.safe_load(text)
        assert event in workflow[True]  # YAML reads `on` as a truth value
        assert workflow["permissions"] == {}
        assert "${{ vars.DPGATE_ROOT }}" in text
        assert "$$" not in text
    ours = ROOT / ".github/actions/dpgate"
    assert {p.name: p.read_text() for p in ours.iterdir()} == {
        p.name: p.read_text() for p in (github / "actions/dpgate").iterdir()
    }


@pytest.mark.parametrize("place", ["policies/organization.yaml", "policies/allowed_signers"])
def test_nothing_is_written_over(tmp_path: Path, place: str) -> None:
    (tmp_path / "new" / place).parent.mkdir(parents=True)
    (tmp_path / "new" / place).write_text("mine")
    with pytest.raises(UsageError, match="exists already"):
        dpgate.init(tmp_path / "new")
    assert [p for p in (tmp_path / "new").rglob("*") if p.is_file()] == [tmp_path / "new" / place]
    assert not (tmp_path / "new-keys").exists()


def test_keys_never_lie_in_the_repository(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="lies within the repository"):
        dpgate.init(tmp_path / "new", keys=tmp_path / "new" / "keys")
    assert not (tmp_path / "new").exists()


def test_a_private_key_without_its_public_one_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "k").mkdir()
    (tmp_path / "k" / "privacy").write_text("mine")
    with pytest.raises(KeyFileError, match="exists already"):
        dpgate.init(tmp_path / "new", keys=tmp_path / "k")
    assert (tmp_path / "k" / "privacy").read_text() == "mine"


def test_keygen_makes_keys_that_load(tmp_path: Path) -> None:
    done = dpgate.keygen(tmp_path / "key", comment="ann")
    assert done.lines[0].endswith(" ann")
    assert done.lines[1] == load_private(tmp_path / "key").public.fingerprint
    age = dpgate.keygen(tmp_path / "age", age=True)
    secret = (tmp_path / "age").read_text()
    assert secret.startswith(f"# public key: {age.lines[0]}\nAGE-SECRET-KEY-1")
    for again in (False, True):
        with pytest.raises(KeyFileError, match="exists already"):
            dpgate.keygen(tmp_path / "age", age=again)


def test_an_age_identity_needs_an_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyrage", None)
    with pytest.raises(MissingExtraError) as missing:
        dpgate.keygen(tmp_path / "age", age=True)
    assert missing.value.fix == "pip install 'dpgate[synth]'"
    assert not (tmp_path / "age").exists()
