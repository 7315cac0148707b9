"""Attacks on entries and their order, by somebody who can write to the remote and has no key.

`sibling_entry` alone has the runner's.
"""

from __future__ import annotations

import base64
import json

from dpgate.loading.canonical import canonical
from dpgate.model.record import Withdraw
from tests.corpus.scene import FIRST, Found, Scene
from tests.team import BRANCH, POLICY


def signed_again_with_new_keys(scene: Scene) -> Found:
    scene.push(scene.other().ledger())
    return scene.verify()


def signed_again_seen_without_a_root(scene: Scene) -> Found:
    scene.push(scene.other().ledger())
    return scene.verify(root=None, memory=True)


def edited_entry(scene: Scene) -> Found:
    data = scene.files[scene.name(6)]
    scene.replace(6, data.replace(b'"payload":"eyJ', b'"payload":"eyI', 1))
    return scene.verify()


def edited_payload(scene: Scene) -> Found:
    body = json.loads(scene.files[scene.name(7)])
    payload = base64.b64decode(body["payload"]).replace(b"Columns too fine.", b"Nothing special. ")
    body["payload"] = base64.b64encode(payload).decode()
    scene.replace(7, canonical(body) + b"\n")
    return scene.verify()


def dropped_entry(scene: Scene) -> Found:
    scene.drop(7)
    return scene.verify()


def dropped_genesis(scene: Scene) -> Found:
    scene.drop(1)
    return scene.verify()


def reordered_entries(scene: Scene) -> Found:
    files = scene.files
    one, two = scene.name(2), scene.name(5)
    scene.push({**files, one: files[two], two: files[one]})
    return scene.verify()


def duplicated_entry(scene: Scene) -> Found:
    scene.push({**scene.files, "000010-reserve.dsse.json": scene.files[scene.name(5)]})
    return scene.verify()


def sibling_entry(scene: Scene) -> Found:
    link = scene.chain.links[6]
    assert isinstance(link.entry, Withdraw)
    twin = link.entry.model_copy(update={"reason": "For another reason."})
    spare = scene.sealed(twin)
    scene.push({**scene.files, "000007-withdraw.dsse.json": spare})
    return scene.verify()


def sibling_beside_the_first(scene: Scene) -> Found:
    reserve = scene.reserve("clinic-visits/second")
    twin = reserve.model_copy(
        update={"sequence": 7, "previous": scene.chain.links[5].digest, "attempt": 2}
    )
    scene.append(twin)
    return scene.verify()


def truncated_before_a_checkpoint(scene: Scene) -> Found:
    scene.drop(7, 8, 9)
    return scene.verify(checkpoint=scene.note)


def truncated_before_one_who_remembers(scene: Scene) -> Found:
    scene.drop(7, 8, 9)
    return scene.verify(memory=True)


def truncated_before_a_newcomer(scene: Scene) -> Found:
    scene.drop(7, 8, 9)
    return scene.verify()


def another_history_before_a_newcomer(scene: Scene) -> Found:
    scene.rewrite(7, lambda entry: None)
    return scene.verify()


def another_history_before_a_checkpoint(scene: Scene) -> Found:
    scene.rewrite(7, lambda entry: entry.model_copy(update={"reason": "For another reason."}))
    return scene.verify(checkpoint=scene.note)


def checkpoint_of_another_signer(scene: Scene) -> Found:
    return scene.verify(checkpoint=scene.note, checkpoint_key=scene.team.keys / "stranger.pub")


def checkpoint_of_another_ledger(scene: Scene) -> Found:
    text = scene.note.read_text()
    scene.note.write_text(text.replace(scene.root[7:], "0" * 64))
    return scene.verify(checkpoint=scene.note)


def copied_from_another_repository(scene: Scene) -> Found:
    foreign = scene.other()
    foreign.api.withdraw(FIRST, reason="Theirs.", key=foreign.key("runner"))
    scene.push(
        {**scene.files, "000004-withdraw.dsse.json": foreign.ledger()["000004-withdraw.dsse.json"]}
    )
    return scene.verify()


def copied_with_our_runners_signature(scene: Scene) -> Found:
    foreign = scene.other()
    foreign.api.withdraw(FIRST, reason="Theirs.", key=foreign.key("runner"))
    scene.drop(4, 5, 6, 7, 8, 9)
    entry = Withdraw(
        sequence=4,
        previous=scene.chain.head.digest,
        root=foreign.root,
        time=scene.chain.head.entry.time,
        policy_set=scene.chain.policy.sha256,
        release=FIRST,
        reserve=scene.digest(2),
        reason="Theirs.",
    )
    scene.append(entry)
    return scene.verify()


def copied_from_another_branch(scene: Scene) -> Found:
    entry = scene.chain.links[6].entry
    branch_only = scene.sealed(
        entry.model_copy(update={"reason": "Said on a branch.", "sequence": 10})
    )
    scene.push({**scene.files, "000010-withdraw.dsse.json": branch_only})
    return scene.verify()


def another_branch_named_by_the_work_tree(scene: Scene) -> Found:
    team = scene.team
    short = team.git("rev-parse", f"origin/{BRANCH}~3")
    team.git("push", "-q", "origin", f"{short}:refs/heads/quiet")
    team.git("fetch", "-q", "origin", "quiet:refs/remotes/origin/quiet")
    team.edit(POLICY, "  roles:\n", "  ledger: {branch: quiet}\n  roles:\n")
    return scene.verify(memory=True)


def another_branch_before_a_newcomer(scene: Scene) -> Found:
    another_branch_named_by_the_work_tree(scene)
    return scene.verify()


def keyid_of_somebody_else(scene: Scene) -> Found:
    body = json.loads(scene.files[scene.name(9)])
    body["signatures"][0]["keyid"] = scene.team.key("legal").public.fingerprint
    scene.replace(9, canonical(body) + b"\n")
    return scene.verify()


def manifest_edited_in_the_work_tree(scene: Scene) -> Found:
    scene.team.edit("releases/clinic-visits/second/release.yaml", "regions: [US]", "regions: [DE]")
    return scene.verify()


def files_exchanged(scene: Scene) -> Found:
    folder = scene.team.folder / "second-files"
    (folder / "data.csv").write_bytes((scene.team.folder / "released" / "data.csv").read_bytes())
    return scene.verify(artifacts=folder)
