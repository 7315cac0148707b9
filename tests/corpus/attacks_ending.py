"""Attacks by a dishonest runner on how attempts ended: settlements, evidence and withdrawals."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

from dpgate.ledger import envelope
from dpgate.loading.canonical import canonical
from dpgate.model.record import Entry, Resumes, Settle, Withdraw
from tests.corpus.consenting import (
    consent,
)
from tests.corpus.scene import FIRST, SECOND, Found, Scene

RESERVE, SETTLE = 5, 6


def _changed(scene: Scene, number: int, **update: Any) -> Found:
    """One field of one entry changed, and everything after it signed again."""
    scene.rewrite(number, lambda entry: entry.model_copy(update=update))
    return scene.verify()


def _edited(scene: Scene, number: int, edit: Callable[[Any], Entry]) -> Found:
    scene.rewrite(number, edit)
    return scene.verify()


# ── how it ended ─────────────────────────────────────────────────────────────────────────────


def abandoned_reservation_settled(scene: Scene) -> Found:
    scene.append(scene.settle(scene.digest(8), "clinic-visits/third"))
    return scene.verify()


def resumed_though_released(scene: Scene) -> Found:
    """A second release by a training that ended well, charged for its last steps alone."""
    wanted = Resumes(reserve=scene.digest(RESERVE), steps=0)
    scene.append(scene.reserve(SECOND, approvals=consent(scene, SECOND), resumes=wanted))
    return scene.verify()


def resumed_without_a_training(scene: Scene) -> Found:
    """What measures tables has no steps that could be left."""
    third = "clinic-visits/third"
    wanted = Resumes(reserve=scene.digest(8), steps=1)
    made = scene.reserve(third, approvals=consent(scene, third), resumes=wanted)
    scene.append(made.model_copy(update={"events": made.events[-1:]}))
    return scene.verify()


def reservation_settled_twice(scene: Scene) -> Found:
    scene.append(scene.settle(scene.digest(RESERVE), SECOND))
    return scene.verify()


def settlement_of_nothing(scene: Scene) -> Found:
    scene.append(scene.settle("sha256:" + "0" * 64, SECOND))
    return scene.verify()


def settlement_of_another_release(scene: Scene) -> Found:
    name = scene.manifest("fourth")
    scene.append(scene.reserve(name))
    scene.append(scene.settle(scene.digest(10), SECOND))
    return scene.verify()


def withdrawal_undone(scene: Scene) -> Found:
    scene.append(scene.settle(scene.digest(2), FIRST))
    return scene.verify()


def withdrawn_release_made_again(scene: Scene) -> Found:
    """A second attempt, approved and paid for, of a release that was called back."""
    scene.append(scene.reserve(FIRST, approvals=consent(scene, FIRST)))
    scene.append(scene.settle(scene.digest(10), FIRST))
    return scene.verify()


def release_made_twice(scene: Scene) -> Found:
    scene.append(scene.reserve(SECOND, approvals=consent(scene, SECOND)))
    scene.append(scene.settle(scene.digest(10), SECOND))
    return scene.verify()


def withdrawal_of_what_never_left(scene: Scene) -> Found:
    entry = Withdraw(
        **scene.place(),
        policy_set=scene.chain.policy.sha256,
        release="clinic-visits/third",
        reserve=scene.digest(8),
        reason="It never left.",
    )
    scene.append(entry)
    return scene.verify()


def _evidence(
    scene: Scene, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]
) -> Found:
    def edit(entry: Settle) -> Settle:
        return entry.model_copy(update={"evidence": tuple(change([*entry.evidence]))})

    return _edited(scene, SETTLE, edit)


def _only(kind: str, **update: Any) -> Callable[[list[dict[str, Any]]], list[dict[str, Any]]]:
    def change(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
        assert any(r["disclosure"] == kind for r in results)
        return [{**r, **update} if r["disclosure"] == kind else r for r in results]

    return change


def released_though_a_threshold_was_missed(scene: Scene) -> Found:
    return _evidence(scene, _only("dp", value="0.95", high="0.99"))


def released_without_its_evidence(scene: Scene) -> Found:
    return _evidence(scene, lambda results: [r for r in results if r["disclosure"] != "dp"])


def evidence_given_twice(scene: Scene) -> Found:
    def change(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
        dp = next(r for r in results if r["disclosure"] == "dp")
        return [*results, {**dp, "value": dp["low"]}]

    return _evidence(scene, change)


def evidence_without_a_class(scene: Scene) -> Found:
    def change(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{k: v for k, v in r.items() if k != "disclosure"} for r in results]

    return _evidence(scene, change)


def evidence_without_a_charge(scene: Scene) -> Found:
    return _evidence(scene, _only("dp", events=["evidence.tvd_9"]))


def evidence_measured_without_noise(scene: Scene) -> Found:
    """An exact figure on the private data, passed off as public."""

    def change(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
        public = {"disclosure": "public", "metric": "marginal_tvd", "value": "0.1", "details": []}
        return [public if r["disclosure"] == "dp" else r for r in results]

    return _evidence(scene, change)


def bit_that_no_threshold_counts(scene: Scene) -> Found:
    return _evidence(scene, _only("restricted", passed=True))


def sealed_evidence_in_the_clear(scene: Scene) -> Found:
    return _evidence(scene, _only("restricted", value="0.03"))


def released_without_files(scene: Scene) -> Found:
    return _changed(scene, SETTLE, artifacts=())


def files_of_a_failed_gate(scene: Scene) -> Found:
    return _changed(scene, SETTLE, outcome="gate-failed")


def settlement_under_a_reservations_type(scene: Scene) -> Found:
    return _retyped(scene, SETTLE, "reserve", "settle")


def reservation_under_a_settlements_type(scene: Scene) -> Found:
    return _retyped(scene, RESERVE, "settle", "reserve")


def _retyped(scene: Scene, number: int, new: str, old: str) -> Found:
    """The payload of one kind of record, signed as another kind."""
    data = scene.files[scene.name(number)]
    body = json.loads(base64.b64decode(json.loads(data)["payload"]))
    body["predicateType"] = body["predicateType"].replace(old, new)
    sealed = envelope.seal(canonical(body), [scene.team.key("runner")]).to_bytes()
    scene.replace(number, sealed)
    return scene.verify()


def entry_of_a_kind_nobody_knows(scene: Scene) -> Found:
    data = scene.files[scene.name(SETTLE)]
    body = json.loads(base64.b64decode(json.loads(data)["payload"]))
    body["predicateType"] = "https://dpgate.dev/ledger/refund/v1"
    sealed = envelope.seal(canonical(body), [scene.team.key("runner")]).to_bytes()
    scene.push({**scene.files, "000010-refund.dsse.json": sealed})
    return scene.verify()
