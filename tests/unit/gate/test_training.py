"""Manifests that train a network: planned with numbers, released, verified, drawn from again."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
import torch
from pyarrow import parquet

from dpgate.errors import AccountingError, SynthesisError, UsageError
from dpgate.gate.costing import planned_events
from dpgate.gate.training import DROWNED
from dpgate.gate.workspace import workspace
from dpgate.ledger.envelope import parse
from dpgate.model.event import Event
from dpgate.synthesis.gan.synthesizer import Trained
from dpgate.synthesis.gan.team import gather, lengths
from dpgate.synthesis.gan.team.messages import Job
from tests.team import DATASET, MANIFEST, POLICY, RELEASE, Team, write_data

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


@pytest.mark.slow
@pytest.mark.parametrize("name", ["dp-tvae", "dp-ctgan"])
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


@pytest.mark.slow
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


@pytest.mark.parametrize("lacking", ["is_available", "is_gloo_available"])
def test_a_torch_whose_processes_cannot_talk_is_refused_before_anything_is_spent(
    fresh_team: Team, monkeypatch: pytest.MonkeyPatch, lacking: str
) -> None:
    team = trains(fresh_team, TRAINING.replace("steps: 40", "processes: 2, steps: 40"))
    team.approve()
    monkeypatch.setattr(torch.distributed, lacking, lambda: False)
    entries = len(team.ledger())
    with pytest.raises(SynthesisError, match=r"without torch\.distributed or without Gloo"):
        team.release()
    assert len(team.ledger()) == entries


def test_steps_too_long_for_a_message_are_refused_before_anything_is_spent(
    fresh_team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    team = trains(fresh_team, TRAINING.replace("steps: 40", "processes: 2, steps: 40"))
    team.approve()
    monkeypatch.setattr(lengths, "MOST", 2**17)
    entries = len(team.ledger())
    with pytest.raises(SynthesisError, match="and 131072 is the most: batch 25000 rows"):
        team.release()
    assert len(team.ledger()) == entries


@pytest.mark.slow
def test_attacks_that_train_again_do_so_by_one_process(
    fresh_team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers elsewhere are there for one training: the run's own has them."""
    team = trains(fresh_team, TRAINING.replace("steps: 40", "processes: 2, steps: 40"))
    called: list[int] = []
    usual = gather.gathered

    def counted(job: Job, processes: int, batch: int, progress: Any) -> Any:
        called.append(processes)
        return usual(job, processes, batch, progress)

    monkeypatch.setattr(gather, "gathered", counted)
    asked = {"out": team.folder / "rehearsed", "rows": 500, "epsilons": (Decimal(1),), "runs": 1}
    result = team.api.rehearse(RELEASE, **asked, synthesizers=("dp-tvae",), canaries=20)
    assert [each.title for each in result.further] == ["canaries, 20"]
    assert called == [2]


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


@pytest.mark.slow
def test_a_plan_tells_another_accountants_epsilon_for_information_alone(fresh_team: Team) -> None:
    team = trains(fresh_team)
    plan = team.api.plan(RELEASE)
    told = plan.tighter
    assert told is not None
    assert 0 < told.epsilon < told.charged == plan.epsilon
    assert told.events == ("dp_tvae.one_way", "dp_tvae.training", "evidence.tvd_2")
    assert told.left_out == ()
    (again,) = team.api.plans((RELEASE,)).plans
    assert again.tighter == told
    line = "for information, charged nowhere: ε"
    for style in ("text", "markdown"):
        said = " ".join(team.dpgate("plan", RELEASE, "--format", style).stdout.lower().split())
        assert line in said, said
        assert "by another accountant (prv, by opacus)" in said
    team.approve()
    team.release(out=team.folder / "out")
    recorded = b"".join(parse(entry).payload for entry in team.ledger().values())
    assert b"dp_tvae.training" in recorded
    assert all(word not in recorded for word in (b"PRV", b"tighter", str(told.epsilon).encode()))
    assert team.api.plan(RELEASE).tighter is None  # it was made: nothing is planned any more


def test_a_plan_without_the_extra_tells_none(
    fresh_team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    team = trains(fresh_team)
    monkeypatch.setitem(sys.modules, "opacus.accountants", None)
    plan = team.api.plan(RELEASE)
    assert plan.tighter is None
    assert plan.training


def test_several_rows_of_persons_who_are_not_told_apart_are_refused(fresh_team: Team) -> None:
    team = trains(fresh_team, rows="12")
    with pytest.raises(AccountingError, match="no group privacy rule") as caught:
        team.api.plan(RELEASE)
    assert "unit.column" in caught.value.fix
    team.edit(DATASET, "max_rows_per_person: 12,", "max_rows_per_person: 12, protect: person,")
    with pytest.raises(SynthesisError, match="nothing says whose each row is") as refused:
        team.api.plan(RELEASE)
    assert "unit.column" in refused.value.fix
    plan = team.dpgate("plan", RELEASE)
    assert plan.returncode == 2, plan.stdout


def persons(team: Team, rows: int = 3, maker: str = TRAINING, count: int = 2_000) -> Team:
    """The template's visits are those of 700 patients, some of whom have more than the bound."""
    named = "  columns:\n    patient: {type: identifier, sensitivity: phi}\n"
    team.edit(DATASET, "  columns:\n", named)
    team = trains(team, maker, rows=f"{rows}, column: patient")
    write_data(team.data, count)
    table = parquet.read_table(team.data)
    names = [f"patient-{place * place % 701}" for place in range(count)]
    names[::97] = [" "] * len(names[::97])  # they name nobody
    parquet.write_table(table.append_column("patient", pa.array(names)), team.data)
    return team


@pytest.mark.parametrize("name", ["dp-tvae", pytest.param("dp-ctgan", marks=pytest.mark.slow)])
@pytest.mark.slow
def test_persons_of_several_rows_are_protected_as_a_whole(fresh_team: Team, name: str) -> None:
    """Of everything that a release runs: ε of the claim is that of a person, recomputed by `verify`."""
    team = persons(fresh_team, maker=TRAINING.replace("dp-tvae", name))
    planned = team.api.plan(RELEASE)
    assert planned.verdict == "waiting", planned.findings
    assert Decimal("0.97") < planned.epsilon <= 1
    assert (planned.unit, planned.rows_per_person) == ("person", 3)
    assert "batch 25000 of at most 500000 persons (rate 0.05, 2 passes)" in planned.training
    team.approve()
    out = team.folder / "out"
    done = team.release(out=out)
    assert done.outcome == "released", done
    assert parquet.read_table(next(out.rglob("*.parquet"))).num_rows == 1000
    assert b"patient-" not in b"".join(p.read_bytes() for p in out.iterdir())
    verified = team.dpgate("verify", "--root", team.root)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert "is the root" in verified.stdout
    (reserve,) = [b for n, b in team.ledger().items() if n.endswith("reserve.dsse.json")]
    said = json.loads(parse(reserve).payload)["predicate"]
    moved = {e["name"]: e["sensitivity_squared"] for e in said["events"]}
    prefix = name.replace("-", "_")
    assert moved.pop(f"{prefix}.training") == "1"  # all rows of a person are one record
    assert moved.pop(f"{prefix}.one_way") == "9"  # they move tables by three
    assert {int(squared) % 9 for squared in moved.values()} == {0}
    assert said["claim"]["unit"] == "person"


def test_a_person_costs_a_training_what_a_row_does(fresh_team: Team) -> None:
    """No group factor: the same noise multiplier, however many rows a person has."""
    team = trains(fresh_team)
    (one,) = [e for e in events(team) if e.mechanism == "sampled-gaussian"]
    team.edit(DATASET, "max_rows_per_person: 1", "max_rows_per_person: 12, column: patient")
    team.edit(
        DATASET, "  columns:\n", "  columns:\n    patient: {type: identifier, sensitivity: phi}\n"
    )
    (many,) = [e for e in events(team) if e.mechanism == "sampled-gaussian"]
    assert abs(many.scale / one.scale - 1) < Decimal("0.001")


def events(team: Team) -> tuple[Event, ...]:
    return planned_events(workspace(team.clone).case(RELEASE))


def test_rows_of_a_person_that_are_more_than_fit_together_are_refused(fresh_team: Team) -> None:
    team = persons(fresh_team, rows=1_500)
    with pytest.raises(SynthesisError, match="a person has up to 1500 rows") as caught:
        team.api.plan(RELEASE)
    assert "training.at_once: 1500" in caught.value.fix


def test_a_synthesizer_that_would_train_on_rows_one_by_one_is_refused(
    fresh_team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that plans from (ε, δ) and doesn't say that it takes persons as a whole."""
    team = persons(fresh_team)
    monkeypatch.setattr(Trained, "samples_persons", False)
    with pytest.raises(SynthesisError, match="dp-tvae protects one row, and a person has up to 3"):
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


@pytest.mark.slow
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


@pytest.mark.parametrize("name", ["dp-tvae", "dp-ctgan"])
def test_check_says_what_a_training_comes_to_without_loading_one(
    fresh_team: Team, name: str
) -> None:
    team = trains(fresh_team, TRAINING.replace("dp-tvae", name))
    result = team.api.check()
    assert result.allowed
    (told,) = result.trainings
    planned = team.api.plan(RELEASE)  # by the same functions, with OpenDP beside
    spent = f"{RELEASE}: ε {planned.epsilon:f} at δ=1e-9; "
    assert told == spent + planned.training
    assert "40 steps, batch 25000 of at most 500000 rows" in told
    program = (
        "import atexit, sys\n"
        "from dpgate.cli.main import main\n"
        "heavy = {'jax', 'numpy', 'opacus', 'opendp', 'pandas', 'pyarrow', 'scipy', 'torch'}\n"
        "atexit.register(lambda: print('loaded', *sorted(heavy & set(sys.modules))))\n"
        "sys.argv = ['dpgate', 'check']\n"
        "main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=team.clone, env=team.environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert f"training of {spent}" in done.stdout
    assert done.stdout.splitlines()[-1].split() == ["loaded"]


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


def test_attacks_that_plant_rows_are_refused_where_persons_are_sampled(fresh_team: Team) -> None:
    team = persons(fresh_team)
    asked = {"out": team.folder / "rehearsed", "rows": 500}
    for further in ({"canaries": 20}, {"shadow": 4}):
        with pytest.raises(UsageError, match="this manifest's training samples whole persons"):
            team.api.rehearse(RELEASE, **asked, **further)
