"""Attacks on refusals, on the author's signature, and on reviews that are demanded as well."""

from __future__ import annotations

import dpgate
from dpgate.model.record import Document
from tests.corpus.consenting import approval_in, signed
from tests.corpus.scene import Found, Scene
from tests.team import POLICY


def _refused(scene: Scene, name: str) -> Document:
    """The legal officer refuses; the file, committed."""
    done = scene.team.api.refuse(
        name, role="legal", key=scene.team.key("legal"), reason="No basis for it."
    )
    scene.team.commit("Refuse")
    return next(d for d in scene.approvals(name) if d.path == done.path)


def refusal_ignored(scene: Scene) -> Found:
    name = scene.manifest("fourth")
    _refused(scene, name)
    scene.append(scene.reserve(name))
    return scene.verify()


def refusal_before_an_honest_runner(scene: Scene) -> Found:
    name = scene.manifest("fourth")
    _refused(scene, name)
    return scene.release(name)


def refusal_lifted_by_another_key(scene: Scene) -> Found:
    name = scene.manifest("fourth")
    (paid,) = scene.approvals(name)
    no = _refused(scene, name)
    lifting = approval_in(paid).model_copy(update={"lifts": (no.sha256,)})
    yes = signed(lifting, scene.team.key("privacy"), paid.path)
    scene.append(scene.reserve(name, approvals=(yes, no)))
    return scene.verify()


def refusal_left_out(scene: Scene) -> Found:
    name = scene.manifest("fourth")
    approvals = scene.approvals(name)
    _refused(scene, name)
    scene.append(scene.reserve(name, approvals=approvals))
    return scene.verify()


def author_who_approves(scene: Scene) -> Found:
    name = scene.manifest("fourth")
    scene.team.api.author(name, role="privacy", key=scene.team.key("privacy"))
    scene.append(scene.reserve(name))
    return scene.verify()


def author_missing(scene: Scene) -> Found:
    _separate(scene)
    name = scene.manifest("fourth")
    scene.append(scene.reserve(name))
    return scene.verify()


def author_of_another_version(scene: Scene) -> Found:
    """Signed by the author, then edited and approved; the old signature stays beside it."""
    _separate(scene)
    name = scene.manifest("fourth", approve=False)
    scene.team.api.author(name, role="engineering", key=scene.team.key("engineering"))
    scene.team.edit(f"releases/{name}/release.yaml", "evidence_share: 0.1", "evidence_share: 0.2")
    scene.team.commit("A little more")
    scene.team.approve(name)
    return scene.release(name)


def reviews_not_on_record(scene: Scene) -> Found:
    scene.change_policy("- {roles: [privacy]}", "- {roles: [privacy], github_reviews: {}}")
    name = scene.manifest("fourth")
    scene.append(scene.reserve(name))
    return scene.verify()


def _separate(scene: Scene) -> None:
    """A policy that demands an author's signature."""
    team = scene.team
    dpgate.keygen(team.keys / "engineering", comment="engineering")
    line = (team.keys / "engineering.pub").read_text().strip()
    team.edit(
        POLICY, "    legal: {keys:", f"    engineering: {{keys: [{line}]}}\n    legal: {{keys:"
    )
    scene.change_policy("  approvals:", "  separation: {authors: [engineering]}\n  approvals:")
