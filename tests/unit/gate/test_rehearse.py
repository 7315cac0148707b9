"""Rehearsals: planned, made and judged as a release is, on a stand-in, at no cost and without a trace."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from dpgate.errors import DpgateError, SourceError, SynthesisError, UsageError
from dpgate.evidence.measures.interface import Figure, Figures
from dpgate.evidence.report import EvidenceReport
from dpgate.gate import gauges, rehearsing, stand_in
from dpgate.gate.rehearsal import WARNING, RehearsalResult
from dpgate.model.values import Key
from tests.suites import asking, evidencing, members
from tests.team import MANIFEST, RELEASE, Team

ONE = (Decimal(1),)
THIRD = Fraction(1, 3)


def rehearse(team: Team, name: str = "out", **wish: Any) -> RehearsalResult:
    usual = {"epsilons": ONE, "synthesizers": ("mst",), "runs": 1, "rows": 800}
    result = team.api.rehearse(RELEASE, out=team.folder / name, **{**usual, **wish})
    assert isinstance(result, RehearsalResult)
    return result


def report(team: Team, name: str = "out") -> EvidenceReport:
    text = (team.folder / name / "evidence.json").read_bytes()
    return EvidenceReport.model_validate_json(text)


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(p): p.read_bytes() for p in folder.rglob("*") if p.is_file() and not p.is_symlink()}


def strict(team: Team) -> None:
    """A threshold that little noise meets, and much does not."""
    team.edit(MANIFEST, "at_most: 0.9", "at_most: 0.1")


def test_every_place_of_the_sweep_is_measured_and_judged(fresh_team: Team) -> None:
    strict(fresh_team)
    result = rehearse(
        fresh_team,
        epsilons=(Decimal(3), Decimal("0.2")),
        synthesizers=("independent",),
        runs=2,
        rows=3000,
    )
    assert [(p.synthesizer, p.epsilon, p.own) for p in result.points] == [
        ("mst", Decimal("0.2"), False), ("mst", Decimal(1), True), ("mst", Decimal(3), False),
        ("independent", Decimal("0.2"), False), ("independent", Decimal(1), False),
        ("independent", Decimal(3), False),
    ]  # fmt: skip
    for point in result.points:
        assert (point.runs, point.failure) == (2, "")
        (metric,) = point.metrics
        assert (metric.title, metric.limit) == ("marginal tvd of order 2", Decimal("0.1"))
        assert metric.low <= metric.value <= metric.high
        assert metric.judged is not None
        assert metric.judged > metric.low
    best, worst = result.points[2].metrics[0], result.points[3].metrics[0]
    assert best.value < worst.value
    assert result.points[0].missed[0].startswith("marginal_tvd of order 2: upper end")
    assert result.warning == WARNING
    assert result.stand_in.words == "3,000 rows, invented from the dataset's document alone"


def test_what_to_write_is_the_least_epsilon_whose_runs_all_passed(fresh_team: Team) -> None:
    strict(fresh_team)
    result = rehearse(fresh_team, epsilons=(Decimal("0.01"), Decimal(5)), rows=20_000, runs=2)
    (mst,) = result.suggestions
    assert (mst.synthesizer, mst.allowed, mst.epsilon) == ("mst", True, Decimal(1))
    assert mst.write == "synthesize: {with: mst}, privacy: {epsilon: 1}"
    assert result.exit_code == 0
    alike = rehearse(fresh_team, "second", synthesizers=("independent",), rows=20_000)
    assert [s.allowed for s in alike.suggestions] == [True, False]


def test_the_evidence_is_the_manifest_s_own(fresh_team: Team) -> None:
    result = rehearse(fresh_team, epsilons=(Decimal(3),))
    assert result.files == ("evidence.json", "evidence.html")
    found = report(fresh_team)
    assert (found.made.kind, found.made.synthesizer, found.made.epsilon <= 1) == (
        "rehearsal", "mst", True,
    )  # fmt: skip
    assert found.made.stand_in == result.stand_in.words
    assert found.made.outcome == "passed in 1 of 1 run"
    assert found.notes[0] == WARNING
    assert {shown.disclosure for shown in found.results} == {"public", "dp"}
    assert next(s for s in found.results if s.disclosure == "dp").rho
    assert all(bar.reference for bar in found.bars)
    assert found.heat is not None
    assert found.heat.reference is not None
    assert found.curve is not None
    assert [(p.epsilon, p.runs) for p in found.curve.points] == [(Decimal(1), 1), (Decimal(3), 1)]


def test_nothing_is_spent_remembered_or_written_elsewhere(released_team: Team) -> None:
    """Not even by whoever may not: the machine's memory cannot be opened."""
    team = released_team
    shutil.rmtree(team.state)
    team.state.write_text("no folder")
    ledger = team.ledger()
    before = tree(team.folder)
    rehearse(team, name="new")
    after = tree(team.folder)
    assert {path: body for path, body in after.items() if path not in before} == {
        str(path): path.read_bytes() for path in (team.folder / "new").iterdir()
    }
    assert before.items() <= after.items()
    assert team.ledger() == ledger
    assert team.state.read_text() == "no folder"


def test_a_public_stand_in_is_used_once_somebody_vouches_for_it(fresh_team: Team) -> None:
    rows = fresh_team.folder / "public.parquet"
    fresh_team.api.mock("clinic-visits", rows, rows=900, seed=5)
    with pytest.raises(UsageError, match="nothing protects them") as refused:
        rehearse(fresh_team, rows=None, stand_in=str(rows))
    assert "--stand-in-is-public" in refused.value.fix
    assert not (fresh_team.folder / "out").exists()
    result = rehearse(fresh_team, rows=None, stand_in=str(rows), stand_in_is_public=True)
    assert (result.stand_in.kind, result.stand_in.rows) == ("public", 900)
    assert result.notes == ()
    with pytest.raises(SourceError):
        rehearse(fresh_team, "new", rows=None, stand_in="none.parquet", stand_in_is_public=True)
    assert not (fresh_team.folder / "new").exists()


def test_a_place_that_cannot_be_made_says_why_and_stops_nothing(fresh_team: Team) -> None:
    result = rehearse(fresh_team, epsilons=(Decimal("0.000001"),))
    broken, own = result.points
    assert broken.failure.startswith("epsilon is too small to learn anything")
    assert (broken.runs, broken.metrics, broken.seconds, broken.good) == (0, (), None, False)
    assert own.runs == 1


@pytest.mark.parametrize(
    ("error", "words"),
    [(ValueError("secret"), "it failed inside (ValueError)"), (SynthesisError("no"), "no")],
)
def test_a_fault_is_a_row_and_its_message_stays_inside(
    fresh_team: Team, monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr(rehearsing, "bench_of", broken)
    result = rehearse(fresh_team)
    assert [point.failure for point in result.points] == [words]
    assert (result.files, result.folder, result.exit_code) == ((), "", 1)
    assert any("no evidence to write" in note for note in result.notes)
    assert not (fresh_team.folder / "out").exists()


def test_without_thresholds_the_usual_measures_are_told(fresh_team: Team) -> None:
    fresh_team.edit(MANIFEST, "evidence_share: 0.1", "evidence_share: 0")
    text = (fresh_team.clone / MANIFEST).read_text()
    fresh_team.write(
        MANIFEST,
        text.replace("  utility:\n    - {metric: marginal_tvd, order: 2, at_most: 0.9}\n", ""),
    )
    result = rehearse(fresh_team)
    (point,) = result.points
    assert [m.title for m in point.metrics] == [
        "marginal tvd of order 1",
        "marginal tvd of order 2",
    ]
    assert all(m.judged is None and m.met == 1 for m in point.metrics)
    assert any("no thresholds" in note for note in result.notes)
    # The policy demands a measure that the manifest does not pay for: a finding, and a gate that fails.
    assert "required-evidence" in [f.rule for f in result.findings]
    assert result.exit_code == 1


def test_two_tables(fresh_team: Team) -> None:
    members.describe(fresh_team)
    result = rehearse(fresh_team, rows=1500, synthesizers=("copula",))
    own, other = result.points
    assert other.failure.startswith("models of copula cannot be conditioned")
    assert own.runs == 1
    assert {m.title.rpartition(", ")[2] for m in own.metrics} == {"persons", "claims"}
    assert "1,500 persons and " in result.stand_in.words
    found = report(fresh_team)
    assert {"age", "claims", "service"} <= {bar.column for bar in found.bars}


def test_synthesizers_are_those_that_the_policy_allows_unless_named(fresh_team: Team) -> None:
    result = rehearse(fresh_team, synthesizers=())
    assert list(dict.fromkeys(p.synthesizer for p in result.points)) == ["mst", "aim"]
    for name, message in (("smartnoise-dpctgan", "is refused"), ("ctgan", "is not installed")):
        with pytest.raises(DpgateError, match=message):
            rehearse(fresh_team, "new", synthesizers=(name,))


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"epsilons": (Decimal(0),)}, "ε is above 0"),
        ({"epsilons": (Decimal(101),)}, "ε is above 0"),
        ({"runs": 0}, "runs is a number from 1 to 100"),
        ({"rows": 500_001}, "from 1 to 500000"),
        ({"stand_in": "x", "rows": 5}, "the stand-in has its own"),
        ({"stand_in_is_public": True}, "none is named"),
    ],
)
def test_odd_wishes_are_refused(fresh_team: Team, wish: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        rehearse(fresh_team, **wish)
    assert not (fresh_team.folder / "out").exists()


def test_a_manifest_that_makes_no_rows_is_refused(fresh_team: Team) -> None:
    asking.ask(fresh_team)
    with pytest.raises(UsageError, match="makes statistics"):
        rehearse(fresh_team)


def test_a_manifest_that_cannot_be_made_is_refused_with_its_places(fresh_team: Team) -> None:
    fresh_team.edit(MANIFEST, "columns: [age_group,", "columns: [shoe_size, age_group,")
    with pytest.raises(UsageError, match="cannot be made as it stands") as refused:
        rehearse(fresh_team)
    (problem,) = refused.value.problems
    assert "shoe_size is not in dataset" in problem.message
    assert problem.line


def test_what_only_a_release_must_obey_is_said_and_stops_nothing(fresh_team: Team) -> None:
    fresh_team.edit(MANIFEST, "purpose: vendor-testing", "purpose: fun")
    result = rehearse(fresh_team)
    assert [finding.rule for finding in result.findings] == ["known-purpose"]
    assert result.points[0].runs == 1


def test_the_folder_is_new_or_empty_or_left_by_one_that_was_killed(fresh_team: Team) -> None:
    out = fresh_team.folder / "out"
    (out / stand_in.WORKING).mkdir(parents=True)
    (out / stand_in.WORKING / "stand-in.parquet").write_text("half")
    (out / stand_in.WORKING / "stand-in").mkdir()
    assert rehearse(fresh_team).files
    assert stand_in.WORKING not in [path.name for path in out.iterdir()]
    with pytest.raises(UsageError, match="is not empty"):
        rehearse(fresh_team)
    (fresh_team.folder / "file").write_text("x")
    for place in ("file", "file/below"):
        with pytest.raises(UsageError):
            rehearse(fresh_team, place)


def test_two_rehearsals_do_not_share_a_folder(tmp_path: Path) -> None:
    with (
        stand_in.working(tmp_path / "out"),
        pytest.raises(UsageError, match="another rehearsal"),
        stand_in.working(tmp_path / "out"),
    ):
        pass
    assert not (tmp_path / "out").exists()


def test_an_interrupt_leaves_nothing(fresh_team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(rehearsing, "judged", interrupt)
    before = tree(fresh_team.folder)
    with pytest.raises(KeyboardInterrupt):
        rehearse(fresh_team)
    assert tree(fresh_team.folder) == before
    assert not (fresh_team.folder / "out").exists()


def test_everything_that_can_be_measured_is_told_without_noise(fresh_team: Team) -> None:
    evidencing.ask(fresh_team)
    result = rehearse(fresh_team, rows=4000)
    (point,) = result.points
    assert point.failure == ""
    told = {m.metric: m for m in point.metrics}
    assert len(point.metrics) == 13 + len(evidencing.ATTACKS)
    assert told["membership"].judged is not None
    # Schema conformity, and every threshold of utility and attacks.
    assert (point.passed, point.thresholds) == (1, 1 + len(point.metrics))
    shown = {each.metric: each for each in report(fresh_team).results}
    assert shown["marginal_tvd"].details[0].startswith("without noise: 0.")
    assert shown["attribute"].details[0].startswith("without noise: ")
    assert b"without noise" in (fresh_team.folder / "out" / "evidence.html").read_bytes()


@dataclass(frozen=True)
class Stub:
    """What has no noisy form."""

    key: Key

    def measure(self, subject: Any) -> Figures:
        assert subject.released.num_rows
        return Figures(main=Figure(value=THIRD, low=THIRD, high=THIRD), given="")


@pytest.mark.parametrize(("at_most", "met"), [("0.9", 1), ("0.2", 0)])
def test_a_threshold_without_noise_is_judged_and_its_number_told(
    fresh_team: Team, monkeypatch: pytest.MonkeyPatch, at_most: str, met: int
) -> None:
    sealed = f"    - {{metric: detectability, at_most: {at_most}}}\n"
    evidencing.ask(fresh_team, evidencing.PLAIN + sealed, "")
    evidencing.allow_bits(fresh_team)
    stub = Stub(Key(metric="detectability"))
    monkeypatch.setattr(gauges, "guarded", lambda *_: [(("utility", 1), stub)])
    result = rehearse(fresh_team)
    (point,) = result.points
    (found,) = [m for m in point.metrics if m.metric == "detectability"]
    assert (found.value, found.judged, found.met) == (Decimal("0.333334"), None, met)
    assert (point.passed, point.thresholds, len(point.missed)) == (met, 3, 1 - met)
    (shown,) = [each for each in report(fresh_team).results if each.metric == "detectability"]
    assert (shown.value, shown.passed) == (None, bool(met))
    assert shown.details == ("without noise: 0.333333333",)
    assert report(fresh_team).made.unprotected_bits == 1
