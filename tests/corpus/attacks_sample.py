"""Attacks on draws from kept models and on series: rows that are not what their record says."""

from __future__ import annotations

import base64
import json
import secrets
from pathlib import Path
from typing import Any

from dpgate.gate.samples import REQUEST, kept_model, request
from dpgate.ledger import envelope
from dpgate.loading.canonical import canonical, sha256
from dpgate.model.draw import Draw, parse_condition
from dpgate.model.record import Artifact, Sample
from tests.corpus.consenting import consent
from tests.corpus.scene import FIRST, SECOND, Found, Scene

MODEL = "second-files/model.dpgate"


def _drawn(scene: Scene, *where: str) -> Path:
    """An honest draw from the second release; where its files are."""
    done = scene.team.api.sample(
        SECOND,
        {"rows": 30, "where": where, "formats": ["csv"]},
        key=scene.team.key("runner"),
        model=scene.team.folder / MODEL,
        out=scene.team.folder / "drawn",
    )
    return Path(done.folder)


def _claimed(scene: Scene, reserve: int, release: str, **changes: Any) -> Found:
    """A draw that a dishonest runner records, with everything right that is not changed."""
    settled, settle = scene.chain.settles[scene.digest(reserve)]
    entry = Sample(
        **scene.place(),
        policy_set=scene.chain.policy.sha256,
        nonce=secrets.token_hex(16),
        release=release,
        reserve=scene.digest(reserve),
        settle=settled.digest,
        model=kept_model(settle) or "sha256:" + "0" * 64,
        recipients=("acme-scheduling",),
        draw=Draw(rows=30, formats=("csv",)),
        artifacts=(Artifact(name="data.csv", sha256="sha256:" + "0" * 64),),
    ).model_copy(update=changes)
    asked = Artifact(name=REQUEST, sha256=sha256(request(entry.root, entry)))
    scene.append(entry.model_copy(update={"artifacts": (*entry.artifacts, asked)}))
    return scene.verify()


def sample_of_a_withdrawn_release(scene: Scene) -> Found:
    return _claimed(scene, 2, FIRST)


def sample_that_was_never_drawn_from_the_model(scene: Scene) -> Found:
    return _claimed(scene, 5, SECOND, model="sha256:" + "1" * 64)


def sample_for_another_recipient(scene: Scene) -> Found:
    return _claimed(scene, 5, SECOND, recipients=("mallory-brokers",))


def sample_conditions_edited(scene: Scene) -> Found:
    _drawn(scene, "reason=acute")
    whole = Draw(rows=30, where=(parse_condition("reason=other"),), formats=("csv",))
    scene.rewrite(10, lambda entry: entry.model_copy(update={"draw": whole}))
    return scene.verify()


def sample_artifact_swapped(scene: Scene) -> Found:
    _drawn(scene)
    body = json.loads(base64.b64decode(json.loads(scene.files[scene.name(10)])["payload"]))
    body["predicate"]["artifacts"][0]["sha256"] = "sha256:" + "0" * 64
    scene.replace(10, envelope.seal(canonical(body), [scene.team.key("runner")]).to_bytes())
    return scene.verify()


def sample_files_exchanged(scene: Scene) -> Found:
    folder = _drawn(scene)
    with (folder / "data.csv").open("a") as file:
        file.write('"0-17","north",7,"acute",true\n')
    return scene.verify(artifacts=folder)


def _continued(scene: Scene, of: str, **changes: str) -> Found:
    """A reservation of a further period, approved, that the gate would not have made."""
    said = f"  increment: {{of: {of}, period: 2026-Q4}}\n  retention:"
    name = scene.manifest("fourth", {"  retention:": said, **changes}, approve=False)
    scene.append(scene.reserve(name, approvals=consent(scene, name)))
    return scene.verify()


def increment_of_what_was_withdrawn(scene: Scene) -> Found:
    return _continued(scene, "vendor-testing")


def increment_of_other_columns(scene: Scene) -> Found:
    return _continued(scene, "second", **{"reason, follow_up]": "reason]"})
