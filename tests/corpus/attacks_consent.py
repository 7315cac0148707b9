"""Attacks on consent: approvals, roles, keys and policies. The runner is dishonest where it must be."""

from __future__ import annotations

import datetime as dt

from dpgate.ledger import envelope, statement
from dpgate.loading.canonical import canonical
from dpgate.model.record import PolicyAdopted
from tests.corpus.consenting import (
    adoption,
    approval_in,
    embedded,
    signed,
)
from tests.corpus.scene import SECOND, THIRD, Found, Scene
from tests.team import DATASET, POLICY

QUOTA = "every: quarter, epsilon: 2}"

# ── approvals ────────────────────────────────────────────────────────────────────────────────


def approval_used_up(scene: Scene) -> Found:
    scene.append(scene.reserve(THIRD))
    return scene.verify()


def approval_used_up_under_a_false_digest(scene: Scene) -> Found:
    (paid,) = scene.approvals(THIRD)
    false = paid.model_copy(update={"sha256": "sha256:" + "0" * 64})
    scene.append(scene.reserve(THIRD, approvals=(false,)))
    return scene.verify()


def approval_of_another_release(scene: Scene) -> Found:
    name = scene.manifest("fourth", approve=False)
    scene.append(scene.reserve(name, approvals=scene.approvals(SECOND)))
    return scene.verify()


def approval_of_another_dataset(scene: Scene) -> Found:
    """A dataset of the same shape, and a manifest of the same name as an approved one."""
    team = scene.team
    approved = scene.manifest("fourth")
    dataset = (team.clone / DATASET).read_text()
    team.write(
        "releases/other-visits/dataset.yaml", dataset.replace("clinic-visits", "other-visits")
    )
    manifest = (team.clone / f"releases/{approved}/release.yaml").read_text()
    twin = "releases/other-visits/fourth/release.yaml"
    team.write(twin, manifest.replace("dataset: clinic-visits", "dataset: other-visits"))
    scene.append(scene.reserve("other-visits/fourth", approvals=scene.approvals(approved)))
    return scene.verify()


def approval_of_another_repository(scene: Scene) -> Found:
    name = scene.manifest("fourth")
    (paid,) = scene.approvals(name)
    foreign = approval_in(paid).model_copy(update={"root": "sha256:" + "1" * 64})
    document = signed(foreign, scene.team.key("privacy"), paid.path)
    scene.append(scene.reserve(name, approvals=(document,)))
    return scene.verify()


def approval_expired(scene: Scene) -> Found:
    name = scene.manifest("fourth")
    (paid,) = scene.approvals(name)
    yesterday = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
    old = approval_in(paid).model_copy(update={"expires": yesterday})
    document = signed(old, scene.team.key("privacy"), paid.path)
    scene.append(scene.reserve(name, approvals=(document,)))
    return scene.verify()


def approval_missing(scene: Scene) -> Found:
    name = scene.manifest("fourth", approve=False)
    scene.append(scene.reserve(name))
    return scene.verify()


def approval_by_a_stranger(scene: Scene) -> Found:
    name = scene.manifest("fourth")
    (paid,) = scene.approvals(name)
    document = signed(approval_in(paid), scene.team.key("stranger"), paid.path)
    scene.append(scene.reserve(name, approvals=(document,)))
    return scene.verify()


def approval_by_the_runner(scene: Scene) -> Found:
    name = scene.manifest("fourth")
    (paid,) = scene.approvals(name)
    document = signed(approval_in(paid), scene.team.key("runner"), paid.path)
    scene.append(scene.reserve(name, approvals=(document,)))
    return scene.verify()


def approval_of_a_policy_for_a_release(scene: Scene) -> Found:
    name = scene.manifest("fourth", approve=False)
    adopted = scene.chain.links[3].entry
    assert isinstance(adopted, PolicyAdopted)
    scene.append(scene.reserve(name, approvals=adopted.approvals))
    return scene.verify()


def approval_of_a_release_for_a_policy(scene: Scene) -> Found:
    scene.team.edit(POLICY, QUOTA, "every: quarter, epsilon: 7}")
    scene.append(adoption(scene, approvals=scene.approvals(SECOND)))
    return scene.verify()


def approval_of_less_than_it_costs(scene: Scene) -> Found:
    name = scene.manifest("fourth")
    (paid,) = scene.approvals(name)
    spend = approval_in(paid).cost
    less = spend.model_copy(update={"curve": {k: v / 2 for k, v in spend.curve.items()}})
    cheap = approval_in(paid).model_copy(update={"cost": less})
    document = signed(cheap, scene.team.key("privacy"), paid.path)
    scene.append(scene.reserve(name, approvals=(document,)))
    return scene.verify()


def approval_with_two_signatures(scene: Scene) -> Found:
    """Two signatures by one role's keys could change places, and the file would be another one."""
    name = scene.manifest("fourth")
    (paid,) = scene.approvals(name)
    payload = envelope.parse(paid.text.encode()).payload
    keys = [scene.team.key("privacy"), scene.team.key("legal")]
    document = embedded(paid.path, envelope.seal(payload, keys).to_bytes())
    scene.append(scene.reserve(name, approvals=(document,)))
    return scene.verify()


def approval_edited(scene: Scene) -> Found:
    name = scene.manifest("fourth")
    (paid,) = scene.approvals(name)
    sealed = envelope.parse(paid.text.encode())
    parsed = statement.parse(sealed.payload, max_bytes=10**6)
    more = approval_in(paid).model_copy(update={"attempts": 9})
    payload = statement.statement(more, dict(parsed.subjects)).payload()
    data = canonical(envelope.Envelope(payload, sealed.signatures).body()) + b"\n"
    scene.append(scene.reserve(name, approvals=(embedded(paid.path, data),)))
    return scene.verify()


def epsilon_raised_after_approval(scene: Scene) -> Found:
    name = scene.manifest("fourth")
    scene.team.edit(f"releases/{name}/release.yaml", "evidence_share: 0.1", "evidence_share: 0.2")
    scene.append(scene.reserve(name))
    return scene.verify()


def epsilon_raised_before_an_honest_runner(scene: Scene) -> Found:
    name = scene.manifest("fourth", {"epsilon: 1.0": "epsilon: 0.1"})
    scene.team.edit(f"releases/{name}/release.yaml", "epsilon: 0.1", "epsilon: 0.9")
    scene.team.commit("A little more")
    return scene.release(name)


def policy_swapped_after_approval(scene: Scene) -> Found:
    name = scene.manifest("fourth")
    scene.change_policy(QUOTA, "every: quarter, epsilon: 7}")
    scene.append(scene.reserve(name))
    return scene.verify()


def policy_swapped_before_an_honest_runner(scene: Scene) -> Found:
    name = scene.manifest("fourth")
    scene.change_policy(QUOTA, "every: quarter, epsilon: 7}")
    return scene.release(name)


def policy_of_the_past_named(scene: Scene) -> Found:
    name = scene.manifest("fourth")
    scene.append(scene.reserve(name, policy_set=scene.chain.policy_at(2).sha256))
    return scene.verify()
