"""A steward opens what was sealed: the right file, the right key, and nobody else."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from dpgate.errors import ChainError, EvidenceError, UsageError
from dpgate.gate.evidence_open import open_evidence
from dpgate.gate.staging import sealed_place
from dpgate.ledger.chain import link_up, read
from dpgate.ledger.memory import Memory
from tests.team import RELEASE, Team


@pytest.fixture
def sealed(released_team: Team, monkeypatch: pytest.MonkeyPatch) -> Team:
    monkeypatch.setenv("DPGATE_STATE", str(released_team.state))
    return released_team


def place(team: Team) -> Path:
    chain = link_up(read(team.ledger()))
    return sealed_place(Memory(chain.root), RELEASE, 2)


def test_exact_figures_are_shown_to_a_steward(sealed: Team) -> None:
    done = open_evidence(RELEASE, identity=sealed.keys / "steward.age", repo=sealed.clone)
    assert (done.attempt, done.entry, done.outcome) == (1, 3, "released")
    (row,) = done.rows
    assert (row.metric, row.about) == ("marginal_tvd", "order 2")
    assert 0 < float(row.value) < 0.9
    assert len(row.value.partition(".")[2]) == 9


def test_the_whole_document_is_written_for_its_owner_alone(sealed: Team, tmp_path: Path) -> None:
    out = tmp_path / "exact.json"
    identity = sealed.keys / "steward.age"
    open_evidence(RELEASE, identity=identity, repo=sealed.clone, out=out)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    document = json.loads(out.read_text())
    assert document["class"] == "restricted"
    assert len(document["marginals"]) == 10
    with pytest.raises(UsageError, match="File exists"):
        open_evidence(RELEASE, identity=identity, repo=sealed.clone, out=out)


def test_nobody_else_can_open_it(sealed: Team, tmp_path: Path) -> None:
    import pyrage

    other = tmp_path / "other.age"
    other.write_text(f"{pyrage.x25519.Identity.generate()}\n")
    with pytest.raises(EvidenceError, match="not sealed to this identity"):
        open_evidence(RELEASE, identity=other, repo=sealed.clone)
    with pytest.raises(EvidenceError, match="neither an age one nor an OpenSSH key"):
        open_evidence(RELEASE, identity=sealed.data, repo=sealed.clone)
    with pytest.raises(EvidenceError, match="not sealed to this identity"):
        open_evidence(RELEASE, identity=sealed.keys / "privacy", repo=sealed.clone)


def test_a_file_that_the_ledger_does_not_know_is_refused(sealed: Team, tmp_path: Path) -> None:
    copied = tmp_path / "copied.age"
    copied.write_bytes(place(sealed).read_bytes())
    identity = sealed.keys / "steward.age"
    done = open_evidence(RELEASE, identity=identity, repo=sealed.clone, file=copied, attempt=1)
    assert done.rows
    copied.write_bytes(copied.read_bytes() + b"x")
    with pytest.raises(ChainError, match="is not the evidence that entry 3 holds the digest of"):
        open_evidence(RELEASE, identity=identity, repo=sealed.clone, file=copied)


def test_what_is_not_there_is_said(sealed: Team, tmp_path: Path) -> None:
    identity = sealed.keys / "steward.age"
    with pytest.raises(UsageError, match="no sealed evidence of attempt 2"):
        open_evidence(RELEASE, identity=identity, repo=sealed.clone, attempt=2)
    with pytest.raises(UsageError, match="no sealed evidence of clinic-visits/other"):
        open_evidence("clinic-visits/other", identity=identity, repo=sealed.clone)
    with pytest.raises(UsageError, match="cannot read the identity"):
        open_evidence(RELEASE, identity=tmp_path / "none", repo=sealed.clone)
    place(sealed).unlink()
    with pytest.raises(UsageError, match="cannot read the sealed evidence"):
        open_evidence(RELEASE, identity=identity, repo=sealed.clone)
