"""Manifests that train a network: planned with numbers, released, verified, drawn from again."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal

import pytest
from pyarrow import parquet

from dpgate.errors import AccountingError, SynthesisError
from dpgate.gate.training import DROWNED
from dpgate.ledger.envelope import parse
from tests.team import DATASET, MANIFEST, POLICY, RELEASE, Team

TRAINING = "with: dp-tvae, training: {steps: 40, batch: 25000, width: 16, latent: 4},"


def trains(team: Team, maker: str = TRAINING, rows: str = "1") -> Team:
    """A manifest that trains, under a policy that allows it, of persons with one row each."""
    team.edit(
        POLICY,
        "synthesizers: [mst, aim]}",
        "synthesizers: [dp-tvae, dp-ctgan], proofs: [opendp, real-arithmetic]}",
    )
    team.edit(MANIFEST, "with: mst,", maker)
    team.edit(DATASET, "max_rows_per_person: 12", f"max_rows_per_person: {rows}")
    team.commit("Train")
    team.approve("policy")
    team.adopt()
    return team


@pytest.mark.parametrize("name", ["dp-tvae", pytest.param("dp-ctgan", marks=pytest.mark.slow)])
def test_a_release_is_made_verified_and_drawn_from_again(fresh_team: Team, name: str) -> None:
    team = trains(fresh_team, TRAINING.replace("dp-tvae", f"{name}, keep_model: true"))
    planned = team.api.plan(RELEASE)
    assert planned.verdict == "waiting", planned.findings
    assert planned.epsilon <= Decimal(1)
    assert planned.epsilon > Decimal("0.97")
    assert "40 steps, batch 25000 of at most 500000 rows (rate 0.05, 2 passes)" in planned.training
    said = " ".join(team.dpgate("plan", RELEASE).stdout.split())
    assert "training: 40 steps" in said
    assert "that of the best Rényi order at the release's own δ" in said
    team.approve()
    out = team.folder / "out"
    done = team.release(out=out)
    assert done.outcome == "released", done
    (rows,) = out.rglob("*.parquet")
    assert parquet.read_table(rows).num_rows == 1000
    verified = team.dpgate("verify", "--root", team.root)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    explained = team.dpgate("ledger", "explain", "2")
    assert "training (sampled-gaussian × 40" in explained.stdout, explained.stdout
    again = team.dpgate(
        "sample", RELEASE, "--rows", "70", "--key", team.key_file("runner"),
        "--model", str(out), "--out", str(team.folder / "more"),
    )  # fmt: skip
    assert again.returncode == 0, again.stderr
    (more,) = (team.folder / "more").rglob("*.parquet")
    assert parquet.read_table(more).num_rows == 70


def test_a_release_by_two_processes_costs_the_same_and_says_so(fresh_team: Team) -> None:
    team = trains(fresh_team)
    alone = team.api.plan(RELEASE)
    team.edit(MANIFEST, "steps: 40", "processes: 2, steps: 40")
    planned = team.api.plan(RELEASE)
    assert planned.epsilon == alone.epsilon
    assert planned.training == f"{alone.training}; 2 processes compute gradients"
    assert team.api.check().trainings[0].endswith("; 2 processes compute gradients")
    team.commit()
    team.approve()
    told: list[str] = []
    done = team.release(progress=lambda stage, _: told.append(stage))
    assert done.outcome == "released", done
    assert "gather 2 processes" in told
    verified = team.dpgate("verify", "--root", team.root)
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_workers_elsewhere_without_certificates_are_refused_before_anything_is_spent(
    fresh_team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    team = trains(fresh_team, TRAINING.replace("steps: 40", "processes: 2, steps: 40"))
    team.approve()
    launched = {"MASTER_ADDR": "10.0.0.7", "MASTER_PORT": "1", "WORLD_SIZE": "2", "RANK": "0"}
    for name, value in launched.items():
        monkeypatch.setenv(name, value)
    entries = len(team.ledger())
    with pytest.raises(SynthesisError, match="send rows under TLS alone") as caught:
        team.release()
    assert "docs/training.md" in caught.value.fix
    assert len(team.ledger()) == entries
    assert team.api.plan(RELEASE).verdict == "ready"


def test_several_rows_a_person_are_refused(fresh_team: Team) -> None:
    team = trains(fresh_team, rows="12")
    with pytest.raises(AccountingError, match="no group privacy rule"):
        team.api.plan(RELEASE)
    team.edit(DATASET, "max_rows_per_person: 12,", "max_rows_per_person: 12, protect: person,")
    with pytest.raises(SynthesisError, match="a training protects one row"):
        team.api.plan(RELEASE)


@pytest.mark.parametrize("key", ["steps", "processes"])
def test_a_training_that_others_would_pass_over_is_refused(fresh_team: Team, key: str) -> None:
    fresh_team.edit(MANIFEST, "with: mst,", f"with: mst, training: {{{key}: 10}},")
    fresh_team.approve("policy")
    fresh_team.adopt()
    with pytest.raises(SynthesisError, match=r"mst makes no use of synthesize\.training"):
        fresh_team.api.plan(RELEASE)


def test_a_training_that_would_learn_little_is_warned_of_and_one_that_drowns_refused(
    fresh_team: Team,
) -> None:
    team = trains(fresh_team, "with: dp-tvae, training: {steps: 500, batch: 10, width: 16},")
    (finding,) = [f for f in team.api.plan(RELEASE).findings if f.rule == "training-weak"]
    assert finding.level == "warn"
    assert "will learn little: 500 steps, batch 10 of at most 500000 rows" in finding.message
    assert "training.batch: 40" in finding.fix
    team.edit(MANIFEST, "batch: 10,", "batch: 1,")
    with pytest.raises(SynthesisError, match="would learn nothing") as caught:
        team.api.plan(RELEASE)
    ratio = float(caught.value.message.split("the noise of a step is ")[1].split()[0])
    assert ratio > DROWNED
    team.edit(MANIFEST, "batch: 1,", "batch: 600000,")
    with pytest.raises(SynthesisError, match="more than the 500000"):
        team.api.plan(RELEASE)
    team.edit(MANIFEST, "batch: 600000", "batch: 500000")
    (finding,) = [f for f in team.api.plan(RELEASE).findings if "pass over" in f.message]
    assert "training.steps: 100 or fewer" in finding.fix


def test_what_would_fit_a_budget_is_planned_anew(fresh_team: Team) -> None:
    """ρ·α is not what a training spends, so every ε that is tried is solved for."""
    quota = '{recipient: "*", lifetime: true, epsilon: '
    fresh_team.edit(POLICY, f"{quota}2}}", f"{quota}0.6}}")
    team = trains(fresh_team)

    def denied() -> list[str]:
        return [f.fix for f in team.api.plan(RELEASE).findings if f.rule == "budget"]

    (fix,) = denied()
    fits = Decimal(fix.split()[1])
    assert 0 < fits < 1
    team.edit(MANIFEST, "epsilon: 1.0", f"epsilon: {fits}")
    assert denied() == []
    team.edit(MANIFEST, f"epsilon: {fits}", f"epsilon: {fits + Decimal('0.01')}")
    assert denied() != []


def test_the_record_says_which_proof_and_what_ran(fresh_team: Team) -> None:
    team = trains(fresh_team)
    team.approve()
    team.release()
    (reserve,) = [b for n, b in team.ledger().items() if n.endswith("reserve.dsse.json")]
    events = json.loads(parse(reserve).payload)["predicate"]["events"]
    (event,) = [event for event in events if event["name"] == "dp_tvae.training"]
    assert event["proof"] == "real-arithmetic"
    assert (event["times"], event["sampling_rate"]) == (40, "0.05")


def test_check_says_what_a_training_comes_to_without_loading_one(fresh_team: Team) -> None:
    team = trains(fresh_team)
    result = team.api.check()
    assert result.allowed
    (told,) = result.trainings
    assert told.startswith(f"{RELEASE}: ε 0.9")
    assert "at δ=1e-9; 40 steps, batch 25000 of at most 500000 rows" in told
    program = (
        "import sys, dpgate\n"
        "assert dpgate.check('.').trainings\n"
        "print(*sorted({'torch', 'opacus', 'jax'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=team.clone, env=team.environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == []
    said = team.dpgate("check")
    assert f"training of {RELEASE}: ε 0.9" in said.stdout


def test_check_denies_a_training_that_cannot_be(fresh_team: Team) -> None:
    team = trains(fresh_team)
    team.edit(MANIFEST, "batch: 25000", "batch: 600000")
    result = team.api.check()
    assert not result.allowed
    (finding,) = [f for f in result.findings if f.level == "deny"]
    assert finding.rule == "planning"
    assert "more than the 500000" in finding.message
    assert finding.fix == "training.batch: 2000"


def test_a_recommendation_says_why_it_gives_no_epsilon(fresh_team: Team) -> None:
    team = trains(fresh_team)
    result = team.api.recommend("clinic-visits")
    reasons = {c.synthesizer: c.reason for c in result.candidates}
    assert set(reasons) == {"dp-ctgan", "dp-tvae"}
    assert all("trains a network" in reason for reason in reasons.values())
    assert result.epsilon is None
