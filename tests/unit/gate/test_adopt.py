"""Adopting a policy: what the filter rests on cannot change, and consent counts once."""

from __future__ import annotations

import re
import shutil

import pytest

from dpgate.errors import (
    ChainError,
    ConflictError,
    PolicyError,
    SignatureError,
    UndecidedError,
    UsageError,
)
from dpgate.gate.verify import audit
from dpgate.ledger.keys import generate
from dpgate.ledger.memory import known_roots
from tests.team import BRANCH, POLICY, RELEASE, Team


def change(
    team: Team, old: str = "lifetime: {epsilon: 8}", new: str = "lifetime: {epsilon: 9}"
) -> None:
    team.edit(POLICY, old, new)
    team.commit("Change the policy")


def test_the_first_adoption_is_the_genesis(fresh_team: Team) -> None:
    fresh_team.approve("policy")
    done = fresh_team.adopt()
    assert done.entry == 1
    assert done.root == fresh_team.root
    assert done.changes == ("first policy: lifetime limit of clinic-patients is ε 8 at δ=1e-6",)
    assert done.root in done.next
    assert known_roots() == (done.root,)
    assert len(audit(fresh_team.ledger(), done.root).links) == 1


def test_the_genesis_is_unlike_any_other(fresh_team: Team) -> None:
    fresh_team.approve("policy")
    other = fresh_team.second_clone()
    root = fresh_team.adopt().root
    fresh_team.git("update-ref", "-d", f"refs/heads/{BRANCH}", cwd=fresh_team.remote)
    assert other.adopt().root != root


@pytest.mark.parametrize("roles", [("privacy",), ("legal",)])
def test_every_role_that_policy_change_names_must_approve(
    fresh_team: Team, roles: tuple[str, ...]
) -> None:
    fresh_team.approve("policy", *roles)
    lacking = "legal" if roles == ("privacy",) else "privacy"
    with pytest.raises(
        SignatureError, match=f"approvals of the policy are missing: {lacking}"
    ) as e:
        fresh_team.adopt()
    assert f"--role {lacking}" in e.value.fix
    assert not fresh_team.store().fetch().files


def test_only_a_runner_adopts(fresh_team: Team) -> None:
    fresh_team.approve("policy")
    with pytest.raises(SignatureError, match="does not hold role runner"):
        fresh_team.adopt(key=fresh_team.key("legal"))


def test_an_edit_after_the_approval_undoes_it(fresh_team: Team) -> None:
    fresh_team.approve("policy")
    change(fresh_team)
    with pytest.raises(SignatureError, match="it approves another version of the policy"):
        fresh_team.adopt()


def test_a_ledger_that_was_not_fetched_is_not_taken_for_none(team: Team) -> None:
    team.git("update-ref", "-d", f"refs/remotes/origin/{BRANCH}")
    with pytest.raises(UndecidedError, match="no ledger branch"):
        team.approve("policy", "privacy", offline=True)
    assert not list((team.clone / "policies" / "approvals").glob("*.tmp"))


def test_a_role_without_a_say_cannot_approve(fresh_team: Team) -> None:
    with pytest.raises(UsageError, match="role runner has no say") as refused:
        fresh_team.approve("policy", "runner")
    assert refused.value.fix == "roles that have: privacy, legal"


def test_a_change_is_approved_under_the_policy_before(team: Team) -> None:
    generate(team.keys / "privacy-new", "new")
    new = (team.keys / "privacy-new.pub").read_text().strip()
    old = (team.keys / "privacy.pub").read_text().strip()
    change(team, old, new)
    with pytest.raises(SignatureError, match="does not hold role privacy in the policy in force"):
        team.api.approve("policy", role="privacy", key=team.key("privacy-new"))
    team.approve("policy")
    done = team.adopt()
    assert done.entry == 2
    assert done.root == team.root
    assert [line.partition(" key ")[0] for line in done.changes] == [
        "role privacy loses",
        "role privacy gains",
    ]
    with pytest.raises(SignatureError, match="does not hold role privacy"):
        team.approve(RELEASE, "privacy")
    team.api.approve(RELEASE, role="privacy", key=team.key("privacy-new"))
    assert team.api.plan(RELEASE).verdict == "ready"
    assert team.api.verify().verified


def test_the_same_policy_is_not_adopted_twice(team: Team) -> None:
    before = len(team.api.show().rows)
    again = team.adopt()
    assert again.already
    assert (again.entry, again.root, again.changes) == (1, team.root, ())
    assert len(team.api.show().rows) == before


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("orders: [4, 8, 16, 32]", "orders: [4, 8, 16, 64]", "accounting .* is fixed"),
        ("delta: 1e-6, orders", "delta: 1e-5, orders", "accounting .* is fixed"),
        ("  clinic-patients:\n", "  other-patients:\n", "population clinic-patients disappears"),
        (
            "neighboring: add-remove\n      lifetime",
            "neighboring: replace-one\n      lifetime",
            "changes its neighboring relation",
        ),
        ("  timezone: UTC", "  ledger: {branch: other}", "a repository has one"),
    ],
)
def test_what_the_filter_rests_on_cannot_change(
    team: Team, old: str, new: str, message: str
) -> None:
    change(team, old, new)
    before = team.ledger()
    with pytest.raises(ChainError, match=message):  # noqa: PT012 - wherever it is seen first
        team.approve("policy")
        team.adopt()
    assert team.ledger() == before


def test_consent_to_a_change_counts_once(team: Team) -> None:
    first = (team.clone / POLICY).read_text()
    change(team)
    second = (team.clone / POLICY).read_text()
    team.approve("policy")
    folder = team.clone / "policies" / "approvals"
    shutil.copytree(folder, team.folder / "kept")
    assert team.adopt().entry == 2
    team.write(POLICY, first)
    team.commit("Back again: the change is revoked")
    team.approve("policy")
    assert team.adopt().entry == 3
    # A runner alone tries to bring back what was revoked, with the approvals of that time.
    team.write(POLICY, second)
    shutil.rmtree(folder)
    shutil.copytree(team.folder / "kept", folder)
    team.commit("Once more")
    with pytest.raises(SignatureError, match="it replaces another policy than the one in force"):
        team.adopt()
    assert len(team.ledger()) == 3
    assert team.api.verify().verified


def test_a_ledger_that_is_gone_is_not_begun_anew(team: Team) -> None:
    root = team.root
    newcomer = team.second_clone()
    newcomer.git("update-ref", "-d", f"refs/remotes/origin/{BRANCH}")
    team.git("update-ref", "-d", f"refs/heads/{BRANCH}", cwd=team.remote)
    with pytest.raises(ChainError, match="is gone from remote"):
        team.adopt()
    with pytest.raises(ChainError, match="the remote holds no ledger, though its root"):
        newcomer.adopt(root=root)


def test_of_two_first_adoptions_one_wins(fresh_team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh_team.approve("policy")
    other = fresh_team.second_clone()
    store = fresh_team.store()
    tip = store.fetch()
    root = other.adopt().root
    from dpgate.gate import adopt
    from dpgate.gate.workspace import workspace

    with pytest.raises(ConflictError):
        adopt._genesis(workspace(fresh_team.clone), store, tip, fresh_team.key("runner"))
    assert fresh_team.root == root


def test_a_machine_that_never_saw_the_ledger_needs_its_root(team: Team) -> None:
    change(team)
    team.approve("policy")
    other = team.second_clone()
    with pytest.raises(UndecidedError, match="no root was given"):
        other.adopt()
    with pytest.raises(ChainError, match="the ledger's root is"):
        other.adopt(root="sha256:" + "0" * 64)
    assert other.adopt(root=team.root).entry == 2


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("timezone: UTC", "timezone: Moon/Base", "unknown time zone"),
        ("legal: {keys: [ssh-ed25519", "legal: {keys: [ssh-rsa", "key 1 of role legal"),
    ],
)
def test_a_policy_that_could_not_be_used_is_not_adopted(
    fresh_team: Team, old: str, new: str, message: str
) -> None:
    fresh_team.edit(POLICY, old, new)
    with pytest.raises(PolicyError, match=message):
        fresh_team.adopt()


def test_changes_are_told_place_by_place(team: Team) -> None:
    change(team)
    change(team, "days_at_most: 730", "days_at_most: 700")
    change(team, "  timezone: UTC\n", "  expires: 2030-01-01\n")
    change(team, '\n        - {recipient: "*", lifetime: true, epsilon: 2}', "")
    team.approve("policy")
    said = "\n".join(team.adopt().changes)
    assert "lifetime limit of clinic-patients" in said
    assert "recipient *" in said
    for value in ("8", "9", "730", "700", "2030-01-01"):
        assert value in said


def test_approvals_that_nobody_committed_are_embedded_and_noted(fresh_team: Team) -> None:
    fresh_team.approve("policy", commit=False)
    (note,) = fresh_team.adopt().notes
    assert re.match(r"[12] files? under policies not committed", note)


def test_committed_approvals_need_no_note(fresh_team: Team) -> None:
    fresh_team.approve("policy")
    assert fresh_team.adopt().notes == ()


def test_before_the_first_policy_none_is_in_force(fresh_team: Team) -> None:
    with pytest.raises(SignatureError, match="in the policy to be adopted"):
        fresh_team.api.approve("policy", role="legal", key=fresh_team.key("privacy"))
