"""A policy that admits waivers, three people who sign, and waivers to be judged."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dpgate.gate.approvals import subjects
from dpgate.gate.waivers import Ground, Offer
from dpgate.gate.workspace import policy_of
from dpgate.ledger import envelope
from dpgate.ledger.keys import PrivateKey, generate, load_private
from dpgate.ledger.roles import keyring
from dpgate.ledger.statement import statement
from dpgate.loading.canonical import sha256
from dpgate.loading.documents import Loaded, load
from dpgate.model.policy import PrivacyPolicy
from dpgate.model.record import Document, WaiverApproval
from dpgate.policy.rulebook import Bound, rules_of
from tests.unit.policy import worlds

RELEASE = "clinic-visits/vendor-testing"
DAY = dt.date(2026, 11, 22)
ROOT = "sha256:" + "a" * 64
PEOPLE = ("ann", "bob", "eve", "mallory", "runner")

RULES = """
  rules:
    - {id: few-rows, title: Rows are few, assert: 'release.rows < 500', message: too many, enforcement: soft}
    - {id: no-acme, title: Not for Acme, assert: 'false', message: no, enforcement: hard}
    - {id: two-agree, title: Two, assert: 'size(approvals) > 0', message: no, enforcement: soft}
    - {id: polite, title: A title, assert: 'false', message: no title, enforcement: advisory}
  waivers: {roles: [privacy, legal], days_at_most: 30, at_most: 1}
"""

WAIVER = """apiVersion: dpgate/v1
kind: Waiver
metadata: {name: NAME, owner: analytics}
spec:
  rule: RULE
  release: RELEASE
  reason: The recipient's form asks for them
  ticket: PRIV-7
  expires: EXPIRES
"""


def text(
    name: str = "terms", rule: str = "few-rows", release: str = RELEASE, expires: object = DAY
) -> str:
    """A waiver's document."""
    made = WAIVER.replace("RELEASE", release).replace("NAME", name).replace("RULE", rule)
    return made.replace("EXPIRES", str(expires))


@dataclass(frozen=True)
class Bench:
    """Keys, and the policy that names them: ann is privacy, bob and eve are legal (both needed)."""

    keys: dict[str, PrivateKey]
    file: Loaded

    @property
    def policy(self) -> PrivacyPolicy:
        """The policy."""
        return policy_of(self.file)

    @property
    def rules(self) -> tuple[Bound, ...]:
        """Its rules."""
        return rules_of(self.file)

    @property
    def ground(self) -> Ground:
        """What `plan` judges by."""
        return Ground(
            policy=self.policy,
            day=DAY,
            ring=keyring(self.policy),
            root=ROOT,
            policy_set="sha256:" + "b" * 64,
        )

    def offer(self, *signers: tuple[str, str], **given: Any) -> Offer:
        """A waiver signed by people, each for a role."""
        name = given.get("name", "terms")
        file = load(f"policies/waivers/{name}.yaml", text(**given).encode())
        offer = Offer(file, ())
        signatures = tuple(self.signature(offer, who, role) for who, role in signers)
        return replace(offer, signatures=signatures)

    def signature(self, offer: Offer, who: str, role: str, **changes: Any) -> Document:
        """One person's signature under a waiver, with whatever is changed in it."""
        spec = offer.waiver.spec
        given = {
            "root": ROOT,
            "waiver": offer.file.digest,
            "rule": spec.rule,
            "release": spec.release,
            "role": role,
            "policy_set": self.ground.policy_set,
            "expires": spec.expires,
            "nonce": "0" * 32,
        }
        approval = WaiverApproval(**{**given, **changes})
        payload = statement(approval, subjects(approval)).payload()
        made = envelope.seal(payload, [self.keys[who]]).to_bytes().decode()
        path = f"policies/waivers/{offer.name}/approvals/{role}-{who}.dsse.json"
        return Document(path=path, sha256=sha256(made.encode()), text=made)


ALL = (("ann", "privacy"), ("bob", "legal"), ("eve", "legal"))
"""Everybody whom the policy asks."""


def bench(folder: Path, old: str = "", new: str = "") -> Bench:
    """People and their policy, with a text of it replaced."""
    keys = {}
    for who in PEOPLE:
        generate(folder / who, who)
        keys[who] = load_private(folder / who)
    line = {who: key.public.line for who, key in keys.items()}
    changes = {
        f"privacy: {{keys: [{worlds.KEYS['privacy']}]}}": f"privacy: {{keys: [{line['ann']}]}}",
        f"legal: {{keys: [{worlds.KEYS['legal']}]}}": (
            f"legal: {{threshold: 2, keys: [{line['bob']}, {line['eve']}]}}"
        ),
        worlds.KEYS["runner"]: line["runner"],
    }
    document = worlds.text(worlds.POLICY, {worlds.POLICY: changes}) + RULES
    assert old in document
    loaded = load(worlds.POLICY, document.replace(old, new).encode() if old else document.encode())
    return Bench(keys, loaded)
