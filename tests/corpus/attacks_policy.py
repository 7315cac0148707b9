"""Attacks on roles, keys and policies. The runner is dishonest where it must be."""

from __future__ import annotations

import datetime as dt

from dpgate.ledger import envelope, statement
from dpgate.model.record import PolicyAdopted
from tests.corpus.consenting import (
    adoption,
    approval_in,
    consent,
    embedded,
    line_of,
    new_key,
    own_approvals,
    policy_approval,
    signed,
)
from tests.corpus.scene import THIRD, Found, Scene
from tests.team import POLICY

QUOTA = "every: quarter, epsilon: 2}"


# ── roles and keys ───────────────────────────────────────────────────────────────────────────


def one_key_counted_twice(scene: Scene) -> Found:
    """The role needs two of its keys; one of them signs two approvals."""
    second = new_key(scene, "privacy-2")
    one = line_of(scene, "privacy")
    scene.change_policy(f"keys: [{one}]", f"keys: [{one}, {second}], threshold: 2")
    name = scene.manifest("fourth")
    (paid,) = scene.approvals(name)
    again = approval_in(paid).model_copy(update={"attempts": 2})
    twice = signed(again, scene.team.key("privacy"), paid.path)
    scene.append(scene.reserve(name, approvals=(paid, twice)))
    return scene.verify()


def one_key_under_two_roles(scene: Scene) -> Found:
    one, legal = line_of(scene, "privacy"), line_of(scene, "legal")
    key = one.rpartition(" ")[0]
    scene.team.edit(POLICY, f"keys: [{legal}]", f"keys: [{legal}, {key} somebody-else]")
    scene.team.commit("One more for legal")
    scene.append(adoption(scene))
    return scene.verify()


def key_added_and_used_at_once(scene: Scene) -> Found:
    """A new approver's key approves the very policy that names it."""
    one, new = line_of(scene, "privacy"), new_key(scene, "privacy-2")
    scene.team.edit(POLICY, f"keys: [{one}]", f"keys: [{new}]")
    scene.team.commit("A new privacy officer")
    scene.team.approve("policy", "legal")
    (legal,) = own_approvals(scene, "legal")
    sealed = envelope.parse(legal.text.encode())
    parsed = statement.parse(sealed.payload, max_bytes=10**6)
    predicate = parsed.predicate.model_copy(update={"role": "privacy"})
    payload = statement.statement(predicate, dict(parsed.subjects)).payload()
    data = envelope.seal(payload, [scene.team.key("privacy-2")]).to_bytes()
    new_one = embedded("policies/approvals/privacy-new.dsse.json", data)
    scene.append(adoption(scene, approvals=(legal, new_one)))
    return scene.verify()


def runner_added_and_signing_at_once(scene: Scene) -> Found:
    one, new = line_of(scene, "runner"), new_key(scene, "runner-2")
    scene.team.edit(POLICY, f"keys: [{one}]", f"keys: [{new}]")
    scene.team.commit("A new runner")
    scene.team.approve("policy")
    documents = own_approvals(scene, "privacy") + own_approvals(scene, "legal")
    scene.append(adoption(scene, approvals=documents), "runner-2")
    return scene.verify()


def revoked_runner_signs_on(scene: Scene) -> Found:
    one, new = line_of(scene, "runner"), new_key(scene, "runner-2")
    scene.change_policy(f"keys: [{one}]", f"keys: [{new}]")
    name = scene.manifest("fourth")
    scene.append(scene.reserve(name), "runner")
    return scene.verify()


def revoked_approver_signs_on(scene: Scene) -> Found:
    one, new = line_of(scene, "privacy"), new_key(scene, "privacy-2")
    scene.change_policy(f"keys: [{one}]", f"keys: [{new}]")
    name = scene.manifest("fourth", approve=False)
    release = scene.api_approve(name, "privacy", scene.team.key("privacy-2"))
    stale = signed(approval_in(release), scene.team.key("privacy"), release.path)
    scene.append(scene.reserve(name, approvals=(stale,)))
    return scene.verify()


def role_removed(scene: Scene) -> Found:
    """A role that no longer exists approves under its old name."""
    legal = line_of(scene, "legal")
    scene.team.edit(POLICY, f"    legal: {{keys: [{legal}]}}\n", "")
    scene.team.edit(POLICY, "[privacy, legal]", "[privacy]")
    scene.change_policy("    - {when: {region_not_in: [US]}, roles: [legal]}\n", "")
    name = scene.manifest("fourth")
    (paid,) = scene.approvals(name)
    by_legal = approval_in(paid).model_copy(update={"role": "legal"})
    document = signed(by_legal, scene.team.key("legal"), paid.path)
    scene.append(scene.reserve(name, approvals=(paid, document)))
    return scene.verify()


def signed_by_a_stranger(scene: Scene) -> Found:
    name = scene.manifest("fourth")
    scene.append(scene.reserve(name), "stranger")
    return scene.verify()


def signed_by_an_approver(scene: Scene) -> Found:
    name = scene.manifest("fourth")
    scene.append(scene.reserve(name), "privacy")
    return scene.verify()


def signed_by_the_runner_and_a_stranger(scene: Scene) -> Found:
    name = scene.manifest("fourth")
    scene.append(scene.reserve(name), "runner", "stranger")
    return scene.verify()


def signed_twice_by_the_runner(scene: Scene) -> Found:
    name = scene.manifest("fourth")
    scene.append(scene.reserve(name), "runner", "runner")
    return scene.verify()


# ── policies ─────────────────────────────────────────────────────────────────────────────────


def policy_nobody_approved(scene: Scene) -> Found:
    scene.team.edit(POLICY, QUOTA, "every: quarter, epsilon: 7}")
    scene.append(adoption(scene, approvals=()))
    return scene.verify()


def policy_approved_once_adopted_twice(scene: Scene) -> Found:
    """The old policy comes back later on the consent that first brought it in."""
    old = scene.chain.links[3].entry
    assert isinstance(old, PolicyAdopted)
    scene.change_policy(QUOTA, "every: quarter, epsilon: 7}")
    again = {**scene.place(), "policy_set": old.policy_set}
    scene.append(old.model_copy(update=again))
    return scene.verify()


def _changed(scene: Scene, old: str, new: str) -> Found:
    """A policy that all who must have approved, though the engine would not let them."""
    scene.team.edit(POLICY, old, new)
    scene.team.commit("Change what is fixed")
    scene.team.approve("policy")
    scene.append(
        adoption(scene, approvals=own_approvals(scene, "privacy") + own_approvals(scene, "legal"))
    )
    return scene.verify()


def orders_changed(scene: Scene) -> Found:
    return _changed(scene, "orders: [4, 8, 16, 32]", "orders: [4, 8, 16, 64]")


def delta_changed(scene: Scene) -> Found:
    return _changed(scene, "accounting: {delta: 1e-6,", "accounting: {delta: 1e-5,")


def population_removed(scene: Scene) -> Found:
    return _changed(scene, "clinic-patients:", "clinic-people:")


def relation_changed(scene: Scene) -> Found:
    return _changed(scene, "neighboring: add-remove", "neighboring: replace-one")


def ledger_moved(scene: Scene) -> Found:
    policy = scene.chain.policy
    data = policy.text.replace("  roles:\n", "  ledger: {branch: quiet}\n  roles:\n").encode()
    document = embedded(POLICY, data)
    approvals = tuple(
        policy_approval(scene, role, document.sha256) for role in ("privacy", "legal")
    )
    changes = {"documents": (document,), "policy_set": document.sha256, "approvals": approvals}
    scene.append(adoption(scene, **changes))
    return scene.verify()


def policy_edited_inside_its_entry(scene: Scene) -> Found:
    def edit(entry: PolicyAdopted) -> PolicyAdopted:
        (document,) = entry.documents
        text = document.text.replace(QUOTA, "every: quarter, epsilon: 7}")
        assert text != document.text
        return entry.model_copy(update={"documents": (document.model_copy(update={"text": text}),)})

    scene.rewrite(4, edit)
    return scene.verify()


def policy_expired(scene: Scene) -> Found:
    day = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
    scene.change_policy("  timezone: UTC\n", f"  timezone: UTC\n  expires: {day}\n")
    name = scene.manifest("fourth", approve=False)
    scene.append(scene.reserve(name, approvals=consent(scene, name)))
    return scene.verify()


def attempt_that_the_policy_no_longer_allows(scene: Scene) -> Found:
    """An approver pays for another attempt at a release that failed, and the policy allows one."""
    scene.change_policy("  evidence: {required", "  evidence: {attempts: 1, required")
    scene.append(scene.reserve(THIRD, approvals=consent(scene, THIRD)))
    return scene.verify()


def release_of_a_stranger_before_an_honest_runner(scene: Scene) -> Found:
    """A fork's pull request brings a manifest with its own approvals, by its own key."""
    name = scene.manifest("fourth")
    (paid,) = scene.approvals(name)
    forged = signed(approval_in(paid), scene.team.key("stranger"), paid.path)
    scene.team.write(paid.path, forged.text)
    scene.team.commit("Please release")
    return scene.release(name)
