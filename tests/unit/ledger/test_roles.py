"""Roles: one key, one role, one person."""

from __future__ import annotations

from pathlib import Path

import pytest

from dpgate.errors import PolicyError
from dpgate.gate.workspace import policy_of
from dpgate.ledger.keys import generate
from dpgate.ledger.roles import allowed_signers, keyring
from dpgate.loading.documents import load
from dpgate.model.policy import PrivacyPolicy
from tests.team import Team


def policy(team: Team) -> PrivacyPolicy:
    path = "policies/organization.yaml"
    return policy_of(load(path, (team.clone / path).read_bytes()))


def test_every_role_has_its_keys(fresh_team: Team) -> None:
    ring = keyring(policy(fresh_team))
    assert list(ring) == ["privacy", "legal", "runner", "stewards"]
    assert ring["stewards"] == ()
    for role in ("privacy", "legal", "runner"):
        assert ring[role] == (fresh_team.key(role).public,)
    assert fresh_team.key("stranger").public not in {key for keys in ring.values() for key in keys}


def with_keys(team: Team, role: str, *lines: str) -> PrivacyPolicy:
    rule = policy(team).spec.roles[role].model_copy(update={"keys": lines})
    spec = policy(team).spec
    return policy(team).model_copy(
        update={"spec": spec.model_copy(update={"roles": {**spec.roles, role: rule}})}
    )


def test_a_key_may_not_stand_in_two_roles(fresh_team: Team) -> None:
    line = fresh_team.key("privacy").public.line
    with pytest.raises(PolicyError, match="under role privacy and again under legal"):
        keyring(with_keys(fresh_team, "legal", f"{line} another person"))


def test_a_key_may_not_stand_twice_in_one_role(fresh_team: Team) -> None:
    line = fresh_team.key("legal").public.line
    with pytest.raises(PolicyError, match="under role legal and again under legal"):
        keyring(with_keys(fresh_team, "legal", line, f"{line} again"))


def test_a_malformed_key_is_named_by_its_place(fresh_team: Team) -> None:
    line = fresh_team.key("legal").public.line
    with pytest.raises(PolicyError, match="key 2 of role legal: not an OpenSSH") as found:
        keyring(with_keys(fresh_team, "legal", line, "ssh-rsa AAAA"))
    assert "dpgate keygen" in found.value.fix


def test_allowed_signers_are_those_of_openssh(fresh_team: Team, tmp_path: Path) -> None:
    second = generate(tmp_path / "second", "")
    line = fresh_team.key("legal").public.line
    text = allowed_signers(keyring(with_keys(fresh_team, "legal", line, second.line)))
    rows = [row.split() for row in text.splitlines()]
    assert [row[0] for row in rows] == [
        f"{r}@dpgate" for r in ("privacy", "legal", "legal", "runner")
    ]
    assert {row[1] for row in rows} == {'namespaces="git"'}
    assert " ".join(rows[2][2:]) == second.line
    assert text.endswith("\n")
