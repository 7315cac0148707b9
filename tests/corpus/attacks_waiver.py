"""Attacks on waivers: a soft rule stands in the way, and somebody gets around it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from dpgate.gate.approvals import subjects
from dpgate.gate.signed import offers
from dpgate.gate.waivers_kept import recorded
from dpgate.gate.workspace import workspace
from dpgate.ledger import envelope, statement
from dpgate.loading.canonical import sha256
from dpgate.loading.repository import WAIVERS
from dpgate.model.record import Document, ReleaseApproval, WaiverApproval
from tests.corpus.consenting import consent, embedded
from tests.corpus.scene import Found, Scene

NAME = "terms"
PLACE = f"{WAIVERS}/{NAME}.yaml"
_TEXT = """apiVersion: dpgate/v1
kind: Waiver
metadata: {{name: terms, owner: analytics}}
spec: {{rule: {rule}, release: {release}, reason: As agreed, ticket: PRIV-7, expires: {expires}}}
"""
_RULES = """
  rules:
    - {id: few-terms, title: Terms are few, assert: size(release.terms) < 1, message: too many, enforcement: soft}
    - {id: much-room, title: Rows are many, assert: release.rows > 1, message: too few, enforcement: soft}
    - {id: not-here, title: Hard, assert: RULE, message: not for them, enforcement: hard}
  waivers: {roles: [privacy, legal], days_at_most: 30, at_most: MOST}
"""


def _today() -> dt.date:
    return dt.datetime.now(dt.UTC).date()


def _begin(scene: Scene, hard: str = "release.rows > 0", most: int = 1) -> str:
    """Soft rules in force that a release breaks; returns the release, which nobody approved."""
    last = "  policy_change: {roles: [privacy, legal]}\n"
    rules = _RULES.replace("RULE", hard).replace("MOST", str(most)).lstrip("\n")
    scene.change_policy(last, last + rules)
    return scene.manifest("fourth", approve=False)


def _document(release: str, rule: str = "few-terms", days: int = 9) -> Document:
    expires = _today() + dt.timedelta(days=days)
    data = _TEXT.format(rule=rule, release=release, expires=expires).encode()
    return embedded(PLACE, data)


def _signature(scene: Scene, waiver: Document, who: str, role: str, **changes: Any) -> Document:
    """What the holder of a key can sign, whatever the engine would say."""
    (offer,) = recorded((waiver,))
    spec = offer.waiver.spec
    given = {
        "root": scene.root,
        "waiver": waiver.sha256,
        "rule": spec.rule,
        "release": spec.release,
        "role": role,
        "policy_set": scene.chain.policy.sha256,
        "expires": spec.expires,
        "nonce": "0" * 32,
    }
    predicate = WaiverApproval(**{**given, **changes})
    payload = statement.statement(predicate, subjects(predicate)).payload()
    data = envelope.seal(payload, [scene.team.key(who)]).to_bytes()
    path = f"{WAIVERS}/{NAME}/approvals/{role}-{who}-{predicate.nonce[:2]}.dsse.json"
    return embedded(path, data)


def _both(scene: Scene, waiver: Document, **changes: Any) -> tuple[Document, ...]:
    return tuple(_signature(scene, waiver, role, role, **changes) for role in ("privacy", "legal"))


def _consent(scene: Scene, release: str, waivers: Iterable[Document]) -> tuple[Document, ...]:
    """An approver who accepts these waivers."""
    (document,) = consent(scene, release)
    sealed = envelope.parse(document.text.encode())
    approval = statement.parse(sealed.payload, max_bytes=10**6).predicate
    assert isinstance(approval, ReleaseApproval)
    digests = tuple(sorted(each.sha256 for each in waivers if each.path.endswith(".yaml")))
    mine = approval.model_copy(update={"waivers": digests})
    payload = statement.statement(mine, subjects(mine)).payload()
    data = envelope.seal(payload, [scene.team.key("privacy")]).to_bytes()
    return (Document(path=document.path, sha256=sha256(data), text=data.decode()),)


def _reserved(scene: Scene, release: str, waivers: tuple[Document, ...], **changes: Any) -> Found:
    """The runner and an approver are in on it."""
    given = {"approvals": _consent(scene, release, waivers), "waivers": waivers, **changes}
    scene.append(scene.reserve(release, **given))
    return scene.verify()


def waiver_that_is_in_force(scene: Scene) -> Found:
    name = _begin(scene)
    waiver = _document(name)
    return _reserved(scene, name, (waiver, *_both(scene, waiver)))


def waiver_dropped_from_the_record(scene: Scene) -> Found:
    name = _begin(scene)
    waiver = _document(name)
    return _reserved(scene, name, (), approvals=_consent(scene, name, (waiver,)))


def waiver_expired_at_its_place(scene: Scene) -> Found:
    name = _begin(scene)
    waiver = _document(name, days=-1)
    return _reserved(scene, name, (waiver, *_both(scene, waiver)))


def waiver_too_far_ahead(scene: Scene) -> Found:
    name = _begin(scene)
    waiver = _document(name, days=31)
    return _reserved(scene, name, (waiver, *_both(scene, waiver)))


def waiver_unsigned(scene: Scene) -> Found:
    name = _begin(scene)
    return _reserved(scene, name, (_document(name),))


def waiver_signed_by_one_of_two_roles(scene: Scene) -> Found:
    name = _begin(scene)
    waiver = _document(name)
    return _reserved(scene, name, (waiver, _signature(scene, waiver, "privacy", "privacy")))


def waiver_signed_by_the_wrong_role(scene: Scene) -> Found:
    name = _begin(scene)
    waiver = _document(name)
    signed = (_signature(scene, waiver, "runner", "runner"),)
    return _reserved(scene, name, (waiver, *_both(scene, waiver)[:1], *signed))


def waiver_signed_by_a_stranger(scene: Scene) -> Found:
    name = _begin(scene)
    waiver = _document(name)
    signed = (_signature(scene, waiver, "stranger", "legal"),)
    return _reserved(scene, name, (waiver, *_both(scene, waiver)[:1], *signed))


def waiver_signed_twice_by_one_key(scene: Scene) -> Found:
    name = _begin(scene)
    waiver = _document(name)
    mine = _signature(scene, waiver, "privacy", "privacy")
    again = _signature(scene, waiver, "privacy", "legal", nonce="1" * 32)
    return _reserved(scene, name, (waiver, mine, again))


def waiver_for_another_release(scene: Scene) -> Found:
    name = _begin(scene)
    waiver = _document("clinic-visits/second")
    return _reserved(scene, name, (waiver, *_both(scene, waiver)))


def waiver_for_another_rule(scene: Scene) -> Found:
    name = _begin(scene)
    waiver = _document(name, rule="much-room")
    return _reserved(scene, name, (waiver, *_both(scene, waiver)))


def waiver_signed_for_another_rule(scene: Scene) -> Found:
    name = _begin(scene)
    waiver = _document(name)
    return _reserved(scene, name, (waiver, *_both(scene, waiver, rule="much-room")))


def waiver_edited_after_signing(scene: Scene) -> Found:
    name = _begin(scene)
    waiver = _document(name)
    edited = embedded(PLACE, waiver.text.replace("As agreed", "Because").encode())
    return _reserved(scene, name, (edited, *_both(scene, waiver)))


def waiver_edited_after_the_release_was_approved(scene: Scene) -> Found:
    name = _begin(scene)
    waiver = _document(name)
    edited = embedded(PLACE, waiver.text.replace("As agreed", "Because").encode())
    approvals = _consent(scene, name, (waiver,))
    return _reserved(scene, name, (edited, *_both(scene, edited)), approvals=approvals)


def waiver_added_after_the_release_was_approved(scene: Scene) -> Found:
    name = _begin(scene)
    waiver = _document(name)
    approvals = _consent(scene, name, ())
    return _reserved(scene, name, (waiver, *_both(scene, waiver)), approvals=approvals)


def waiver_for_a_hard_rule(scene: Scene) -> Found:
    name = _begin(scene, hard="size(release.terms) < 1")
    waiver = _document(name, rule="not-here")
    return _reserved(scene, name, (waiver, *_both(scene, waiver)))


def waiver_for_a_built_in_rule(scene: Scene) -> Found:
    name = _begin(scene)
    waiver = _document(name, rule="retention")
    return _reserved(scene, name, (waiver, *_both(scene, waiver)))


def waiver_copied_from_another_repository(scene: Scene) -> Found:
    name = _begin(scene)
    waiver = _document(name)
    return _reserved(scene, name, (waiver, *_both(scene, waiver, root="sha256:" + "1" * 64)))


def waiver_of_an_earlier_policy(scene: Scene) -> Found:
    name = _begin(scene)
    waiver = _document(name)
    signed = _both(scene, waiver, policy_set=scene.chain.policy_at(2).sha256)
    return _reserved(scene, name, (waiver, *signed))


def waiver_that_nothing_needs(scene: Scene) -> Found:
    name = _begin(scene, most=2)
    return _reserved(scene, name, _two(scene, name))


def waiver_beyond_their_number(scene: Scene) -> Found:
    name = _begin(scene)
    return _reserved(scene, name, _two(scene, name))


def _two(scene: Scene, release: str) -> tuple[Document, ...]:
    """A waiver that is needed, and one that is not; everybody signed both."""
    needed, idle = _document(release), _document(release, rule="much-room")
    other = idle.text.replace("name: terms", "name: other")
    idle = embedded(f"{WAIVERS}/other.yaml", other.encode())
    moved = tuple(
        each.model_copy(update={"path": each.path.replace("/terms/", "/other/")})
        for each in _both(scene, idle)
    )
    return (needed, *_both(scene, needed), idle, *moved)


def waiver_under_another_name(scene: Scene) -> Found:
    name = _begin(scene)
    waiver = _document(name)
    moved = waiver.model_copy(update={"path": "policies/waivers/other.yaml"})
    return _reserved(scene, name, (moved, *_both(scene, waiver)))


def waiver_of_a_pull_request_before_an_honest_runner(scene: Scene) -> Found:
    """Somebody puts an unsigned waiver into the work tree; the engine itself decides."""
    name = _begin(scene)
    scene.team.write(PLACE, _document(name).text)
    scene.team.commit("A waiver")
    assert offers(workspace(scene.team.clone), name)
    return scene.release(name)
