"""Two worlds that differ in one row, and the same release in both with the noise on a tape."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import time_machine

from dpgate.cli.main import main
from dpgate.evidence import seal
from dpgate.gate import attempt
from dpgate.ledger.envelope import parse as parse_envelope
from dpgate.mechanisms.session import Mechanisms
from dpgate.mechanisms.tape import UnsafePlayer, UnsafeRecorder
from tests.team import RELEASE, Team

Put = Callable[[Team], None]
SEAL = seal.seal


@dataclass(frozen=True, kw_only=True)
class Seen:
    """All that a run let anybody see."""

    code: object
    out: str
    err: str
    reserve: bytes
    settle: dict[str, Any]
    artifacts: dict[str, bytes]
    kept: dict[str, int]
    """Names and sizes of what the machine keeps."""
    mechanisms: UnsafeRecorder

    @property
    def public(self) -> tuple[object, ...]:
        """What must be the same in both worlds."""
        return (
            self.code, self.out, self.err, self.reserve, self.settle, self.artifacts, self.kept,
        )  # fmt: skip


def fixed(document: bytes, recipients: Sequence[str]) -> seal.Sealed:
    """Sealed as ever, then a ciphertext that keeps all but age's own randomness: its padded size."""
    sealed = SEAL(document, recipients)
    known = b"sealed %d" % sealed.size
    digest = "sha256:" + hashlib.sha256(known).hexdigest()
    return dataclasses.replace(sealed, ciphertext=known, sha256=digest)


def watch(
    team: Team, tape: UnsafeRecorder, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Seen:
    """Release on the command line, with mechanisms on the tape and sampling from one seed."""
    made = np.random.default_rng
    patch.setattr(attempt, "Mechanisms", functools.partial(Mechanisms, tape=tape))
    patch.setattr(seal, "seal", fixed)
    patch.setattr(np.random, "default_rng", lambda *_: made(20260401))
    patch.setattr("dpgate.gate.release.secrets.token_hex", lambda size: "0" * 2 * size)
    out = team.folder / "out"
    capsys.readouterr()
    with pytest.raises(SystemExit) as stop:
        main(["release", RELEASE, "--repo", str(team.clone), "--source", str(team.source), "--key",
              team.key_file("runner"), "--out", str(out)])  # fmt: skip
    said = capsys.readouterr()
    files = team.ledger()
    settled = parse_envelope(files["000003-settle.dsse.json"]).payload
    return Seen(
        code=stop.value.code,
        out=said.out,
        err=said.err,
        reserve=files["000002-reserve.dsse.json"],
        settle=json.loads(settled),
        artifacts={p.name: p.read_bytes() for p in sorted(out.iterdir())} if out.exists() else {},
        kept={
            str(p.relative_to(team.state)): p.stat().st_size
            for p in sorted(team.state.rglob("*"))
            if p.is_file()
        },
        mechanisms=tape,
    )


def both(
    team: Team,
    worlds: tuple[Put, Put],
    patch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> tuple[Seen, Seen]:
    """The same release in two worlds, at the same paths; the second hears the first one's noise.

    Both run in the same hour, which entries record.
    """
    with time_machine.travel(dt.datetime.now(dt.UTC), tick=False):
        return _both(team, worlds, patch, capsys)


def _both(
    team: Team,
    worlds: tuple[Put, Put],
    patch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> tuple[Seen, Seen]:
    before = team.folder.with_name("before")
    shutil.copytree(team.folder, before, symlinks=True)
    worlds[0](team)
    with patch.context() as inner:
        first = watch(team, UnsafeRecorder(), inner, capsys)
    shutil.rmtree(team.folder)
    Path(before).rename(team.folder)
    worlds[1](team)
    player = UnsafePlayer(outputs=[call.output for call in first.mechanisms.calls])
    with patch.context() as inner:
        second = watch(team, player, inner, capsys)
    return first, second
