"""Consent and policies as those could sign them who hold the keys, whatever the engine would say."""

from __future__ import annotations

import datetime as dt
from typing import Any

import dpgate
from dpgate.gate.approvals import subjects
from dpgate.gate.costing import cost_of, to_record
from dpgate.gate.opening import loaded_document
from dpgate.gate.signed import approval_files
from dpgate.gate.workspace import policy_of, workspace
from dpgate.ledger import envelope
from dpgate.ledger import statement as statements
from dpgate.ledger.keys import PrivateKey
from dpgate.loading.canonical import sha256
from dpgate.model.record import Document, PolicyAdopted, PolicyApproval, ReleaseApproval
from tests.corpus.scene import Scene
from tests.team import POLICY


def approval_in(document: Document) -> ReleaseApproval:
    sealed = envelope.parse(document.text.encode())
    predicate = statements.parse(sealed.payload, max_bytes=envelope.MAX_BYTES).predicate
    assert isinstance(predicate, ReleaseApproval)
    return predicate


def signed(approval: ReleaseApproval, key: PrivateKey, path: str) -> Document:
    payload = statements.statement(approval, subjects(approval)).payload()
    return embedded(path, envelope.seal(payload, [key]).to_bytes())


def embedded(path: str, data: bytes) -> Document:
    return Document(path=path, sha256=sha256(data), text=data.decode())


def new_key(scene: Scene, name: str) -> str:
    dpgate.keygen(scene.team.keys / name, comment=name)
    return (scene.team.keys / f"{name}.pub").read_text().strip()


def line_of(scene: Scene, role: str) -> str:
    return (scene.team.keys / f"{role}.pub").read_text().strip()


def adoption(scene: Scene, **changes: Any) -> PolicyAdopted:
    """An adoption of the work tree's policy, with whatever approvals lie beside it."""
    space = workspace(scene.team.clone)
    data = (scene.team.clone / POLICY).read_bytes()
    document = embedded(POLICY, data)
    made = PolicyAdopted(
        **scene.place(),
        policy_set=document.sha256,
        documents=(document,),
        approvals=approval_files(space, "policies"),
    )
    return made.model_copy(update=changes)


def own_approvals(scene: Scene, role: str) -> tuple[Document, ...]:
    """The newest approval of the work tree's policy by a role."""
    digest = sha256((scene.team.clone / POLICY).read_bytes())
    found = []
    for document in adoption(scene).approvals:
        payload = envelope.parse(document.text.encode()).payload
        predicate: Any = statements.parse(payload, max_bytes=10**6).predicate
        if predicate.role == role and predicate.policy_set == digest:
            found.append(document)
    return tuple(found)


def policy_approval(scene: Scene, role: str, digest: str) -> Document:
    predicate = PolicyApproval(
        root=scene.root, role=role, previous=scene.digest(4), policy_set=digest
    )
    payload = statements.statement(predicate, {"policy": digest}).payload()
    data = envelope.seal(payload, [scene.team.key(role)]).to_bytes()
    return embedded(f"policies/approvals/{role}.dsse.json", data)


def consent(scene: Scene, name: str) -> tuple[Any, ...]:
    """An approver who is in on it: the engine refuses to approve what a rule denies."""
    case = scene.case(name)
    policy = policy_of(loaded_document(scene.chain.policy))
    approval = ReleaseApproval(
        root=scene.root,
        release=name,
        role="privacy",
        policy_set=scene.chain.policy.sha256,
        manifest=case.release_file.digest,
        dataset=case.dataset_file.digest,
        cost=to_record(cost_of(policy, case).spend),
        attempts=1,
        nonce="0" * 32,
        expires=dt.datetime.now(dt.UTC).date() + dt.timedelta(days=9),
    )
    payload = statements.statement(approval, subjects(approval)).payload()
    data = envelope.seal(payload, [scene.team.key("privacy")]).to_bytes()
    path = f"releases/{name}/approvals/privacy.dsse.json"
    return (Document(path=path, sha256=sha256(data), text=data.decode()),)
