"""Drawing again from a model that a release kept."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import time_machine

from dpgate.errors import DpgateError, LedgerError, SignatureError, SynthesisError, UsageError
from dpgate.gate.results import SampleResult
from dpgate.gate.staging import digest_of
from dpgate.ledger.chain import link_up, read
from dpgate.loading.canonical import canonical
from dpgate.model.record import Sample
from dpgate.synthesis.kept import formats
from tests import team as teams
from tests.team import MANIFEST, RELEASE, Team

pytestmark = pytest.mark.slow

CANARY = b"zanzibar-fever"


def keep(team: Team) -> Team:
    team.edit(MANIFEST, "{with: mst, ", "{with: mst, keep_model: true, ")
    team.commit("Keep the model")
    team.approve()
    return team


@pytest.fixture
def keeping(team: Team) -> Team:
    """A team whose manifest keeps its model, approved."""
    return keep(team)


@pytest.fixture(scope="module")
def _kept(_templates: Callable[[str], Team], tmp_path_factory: pytest.TempPathFactory) -> Team:
    """A team that has made such a release, at the usual place."""
    team = teams.copy(_templates("adopted"), tmp_path_factory.mktemp("kept") / "team")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in team.environment.items():
            if name != "HOME":
                patch.setenv(name, value)
        assert keep(team).release().outcome == "released"
    return team


@pytest.fixture
def kept(_kept: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Team:
    team = teams.copy(_kept, tmp_path / "team")
    for name, value in team.environment.items():
        if name != "HOME":
            monkeypatch.setenv(name, value)
    return team


def sample(team: Team, *, rows: int = 40, record: str = RELEASE, **options: Any) -> SampleResult:
    asked = {k: options.pop(k) for k in ("where", "balance", "formats") if k in options}
    key = options.pop("key", team.key("runner"))
    done: SampleResult = team.api.sample(record, {"rows": rows, **asked}, key=key, **options)
    return done


def rows_of(result: SampleResult) -> list[dict[str, str]]:
    with (Path(result.folder) / "data.csv").open() as file:
        return list(csv.DictReader(file))


def entry_of(team: Team, number: int) -> Sample:
    entry = link_up(read(team.ledger())).links[number - 1].entry
    assert isinstance(entry, Sample)
    return entry


def model_of(team: Team) -> Path:
    (path,) = team.state.glob(f"*/released/{RELEASE}/{formats.NAME}")
    return path


def test_a_release_keeps_its_model_among_its_files(keeping: Team, tmp_path: Path) -> None:
    done = keeping.release(out=tmp_path / "out")
    named = {item["name"]: item["sha256"] for item in done.artifacts}
    path = tmp_path / "out" / formats.NAME
    assert named[formats.NAME] == digest_of(path)


def test_a_model_that_could_not_be_kept_costs_nothing(
    keeping: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "dpgate.synthesis.mst.synthesizer.Mst.model_kind", "hologram", raising=False
    )
    with pytest.raises(SynthesisError, match="keeps models of kind 'hologram'"):
        keeping.release()
    assert len(keeping.ledger()) == 1


def test_a_draw_is_a_record_of_its_own_that_spends_nothing(kept: Team, tmp_path: Path) -> None:
    before = kept.api.show().scopes
    done = sample(kept, rows=70, out=tmp_path / "again")
    assert kept.api.show().scopes == before
    assert len(rows_of(done)) == 70
    assert (done.entry, done.settle, done.representative) == (4, 3, True)
    entry = entry_of(kept, 4)
    assert entry.model == digest_of(model_of(kept))
    assert entry.recipients == ("acme-scheduling",)
    for artifact in entry.artifacts:
        assert digest_of(tmp_path / "again" / artifact.name) == artifact.sha256
    assert {path.name for path in (tmp_path / "again").iterdir()} == {
        artifact.name for artifact in entry.artifacts
    }
    asked = json.loads((tmp_path / "again" / "sample.json").read_text())
    assert asked["draw"]["rows"] == 70
    assert canonical(asked) + b"\n" == (tmp_path / "again" / "sample.json").read_bytes()
    assert kept.api.verify(root=kept.root).verified


def test_every_row_satisfies_the_conditions(kept: Team) -> None:
    conditions = ["reason=acute|chronic", "length_minutes>=33", "length_minutes<41", "clinic!=east"]
    done = sample(kept, rows=300, where=conditions, formats=["csv"])
    rows = rows_of(done)
    assert len(rows) == 300
    assert {row["reason"] for row in rows} == {"acute", "chronic"}
    assert {int(row["length_minutes"]) for row in rows} == set(range(33, 41))
    assert "east" not in {row["clinic"] for row in rows}
    assert not done.representative
    card = (Path(done.folder) / "card.md").read_text()
    assert "Every row satisfies reason=acute\\|chronic and length" in card
    assert "they do not represent the population" in card
    assert "at no additional ε" in card
    body = json.loads((Path(done.folder) / "card.json").read_text())
    assert body["drawn_again"]["additional_epsilon"] == "0"
    assert (body["rows"], body["formats"]) == (300, ["csv"])


def test_a_balanced_draw_has_as_many_rows_of_each_value(kept: Team) -> None:
    rows = rows_of(sample(kept, rows=41, balance="clinic", where=["follow_up=true"]))
    counts = [[row["clinic"] for row in rows].count(c) for c in ("north", "south", "east", "west")]
    assert sorted(counts) == [10, 10, 10, 11]
    assert {row["follow_up"] for row in rows} == {"true"}
    assert [row["clinic"] for row in rows] != sorted(row["clinic"] for row in rows)
    rows = rows_of(sample(kept, rows=20, balance="reason=acute|other"))
    assert [row["reason"] for row in rows].count("acute") == 10


def test_a_record_is_a_name_a_number_or_a_digest(kept: Team) -> None:
    digest = kept.api.show().rows[2].digest
    for record in (RELEASE, f"releases/{RELEASE}/release.yaml", "3", "2", digest, digest[7:19]):
        assert sample(kept, rows=2, record=record).release == RELEASE
    for record in ("1", "99", "clinic-visits", "sha256:" + "0" * 64, ""):
        with pytest.raises(UsageError, match="names no release"):
            sample(kept, record=record)
    with pytest.raises(UsageError, match="was never released"):
        sample(kept, record="clinic-visits/other")


REFUSED: tuple[tuple[dict[str, Any], str], ...] = (
    ({"where": ["reason=dragons"]}, "reason has no 'dragons' .its values: acute, chronic"),
    ({"where": ["reason="]}, "reason has no a missing value"),
    ({"where": ["length_minutes>=121"]}, "it goes from 5 to 120"),
    ({"where": ["length_minutes>=soon"]}, "'soon' is no number"),
    ({"where": ["length_minutes=7.5"]}, "'7.5' is no whole number"),
    ({"where": ["reason>=acute"]}, "it has no order"),
    ({"where": ["wage>=3"]}, "wage is no column that was modelled"),
    ({"where": ["reason"]}, "'reason' is no condition"),
    ({"where": ["reason=acute|acute"]}, "given once each"),
    (
        {"where": ["reason=acute", "reason=other"]},
        "reason=acute and reason=other: no value of reason",
    ),
    ({"balance": "wage"}, "wage is no column"),
    ({"balance": "reason=acute|acute"}, "given once each"),
    ({"balance": "length_minutes=7"}, "has bins: balance all of them"),
    ({"balance": "reason=acute", "where": ["reason=other"]}, "conditions exclude reason=acute"),
    ({"balance": "re ason"}, "column"),
    ({"formats": ["xlsx"]}, r"formats\[1\]: expected parquet, csv, .* or sql; found 'xlsx'"),
    ({"rows": 0}, "rows"),
)


def test_a_request_that_cannot_be_meant_is_refused(kept: Team) -> None:
    for asked, message in REFUSED:
        with pytest.raises(UsageError, match=message):
            sample(kept, **asked)
    assert len(kept.ledger()) == 3


def test_a_withdrawn_release_cannot_be_sampled_from(kept: Team) -> None:
    sample(kept)
    withdrawn = kept.api.withdraw(RELEASE, reason="Too fine.", key=kept.key("runner"))
    assert withdrawn.samples == (4,)
    assert "rows drawn from its model (entries 4)" in withdrawn.next
    with pytest.raises(UsageError, match="was withdrawn by entry 5: Too fine"):
        sample(kept)
    assert "was called back, with the rows drawn by entry 4: " in kept.api.log().lines[-1].text
    terms = {term.label: term.value for term in kept.api.explain(3).terms}
    assert (terms["paid for by"], terms["outcome"]) == ("entry 2", "released")
    assert terms["model.dpgate"].startswith("sha256:")
    terms = {term.label: term.value for term in kept.api.explain(4).terms}
    assert terms["stands"] == "no: called back with its release by entry 5"
    assert kept.api.verify(root=kept.root).verified


def test_a_release_that_kept_no_model_says_how(released_team: Team) -> None:
    with pytest.raises(UsageError, match="kept no model") as caught:
        sample(released_team)
    assert "keep_model: true" in caught.value.fix


def test_after_its_retention_nothing_more_is_drawn(kept: Team) -> None:
    with time_machine.travel("2099-01-01"), pytest.raises(UsageError, match="which is over"):
        sample(kept)


def test_only_a_runner_draws(kept: Team) -> None:
    with pytest.raises(SignatureError, match="does not hold role runner"):
        sample(kept, key=kept.key("privacy"))
    assert len(kept.ledger()) == 3


def test_another_model_than_the_settled_one_is_refused(kept: Team, tmp_path: Path) -> None:
    data = model_of(kept).read_bytes()
    other = tmp_path / "other.dpgate"
    for changed in (data[:-8] + data[-16:-8], data + b"x"):
        other.write_bytes(changed)
        with pytest.raises(LedgerError, match="is not the model that entry 3 settled") as caught:
            sample(kept, model=other)
        assert caught.value.exit_code == 3
    assert len(kept.ledger()) == 3


def pipe(path: Path) -> None:
    os.mkfifo(path)


def text(path: Path) -> None:
    path.write_text("import os")


def folder(path: Path) -> None:
    path.mkdir()


def nothing(path: Path) -> None:
    pass


def huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2**40)


def test_what_is_no_model_is_refused(kept: Team, tmp_path: Path) -> None:
    for make in (pipe, text, folder, nothing, huge):
        path = tmp_path / make.__name__
        make(path)
        with pytest.raises(DpgateError) as caught:
            sample(kept, model=path)
        assert caught.value.exit_code == 2
    assert len(kept.ledger()) == 3


def test_a_model_elsewhere_may_be_named_by_its_folder(kept: Team, tmp_path: Path) -> None:
    moved = tmp_path / "vendor"
    model_of(kept).parent.rename(moved)
    with pytest.raises(UsageError, match="No such file"):
        sample(kept)
    assert sample(kept, model=moved).rows == 40


def test_a_place_that_is_taken_is_refused(kept: Team, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    with pytest.raises(UsageError, match="is not empty"):
        sample(kept, out=tmp_path)


def test_export_has_a_row_for_it(kept: Team, tmp_path: Path) -> None:
    sample(kept, where=["reason=acute"])
    kept.api.export(tmp_path / "ledger.jsonl")
    row = json.loads((tmp_path / "ledger.jsonl").read_text().splitlines()[-1])
    assert (row["kind"], row["rows"], row["recipients"]) == ("sample", 40, "acme-scheduling")
    assert row["summary"].startswith("40 rows where reason=acute, ")


class Crash(BaseException):
    """What ends a run as a power cut would."""


def test_a_draw_that_was_cut_short_is_finished_by_the_same_command(
    kept: Team, tmp_path: Path
) -> None:
    for number, place in enumerate(("model", "sample", "stage", "record", "promote"), start=4):
        out = tmp_path / place

        def dies(stage: str, fraction: float, place: str = place) -> None:
            if stage == place:
                raise Crash

        with pytest.raises(Crash):
            sample(kept, out=out, progress=dies)
        assert not out.exists()
        done = sample(kept, out=out)
        assert (done.entry, len(kept.ledger())) == (number, number)
        assert {path.name: digest_of(path) for path in out.iterdir()} == {
            artifact.name: artifact.sha256 for artifact in entry_of(kept, number).artifacts
        }
        assert not list(kept.state.glob("*/samples/*"))
    assert kept.api.verify(root=kept.root).verified


def test_what_another_command_left_is_finished_or_deleted_on_the_way(
    kept: Team, tmp_path: Path
) -> None:
    for place, name in (("record", "first"), ("promote", "second")):

        def dies(stage: str, fraction: float, place: str = place) -> None:
            if stage == place and fraction == 0.0:
                raise Crash

        with pytest.raises(Crash):
            sample(kept, out=tmp_path / name, progress=dies)
    done = sample(kept, rows=7, out=tmp_path / "third")
    assert done.rows == 7
    assert not (tmp_path / "first").exists()  # never recorded: it may not leave
    assert (tmp_path / "second" / "data.csv").exists()
    assert not list(kept.state.glob("*/samples/*"))


def test_rows_whose_release_was_withdrawn_meanwhile_never_leave(kept: Team, tmp_path: Path) -> None:
    def withdraws(stage: str, fraction: float) -> None:
        if stage == "record" and fraction == 0.0:
            kept.api.withdraw(RELEASE, reason="A leak.", key=kept.key("runner"))

    with pytest.raises(UsageError, match="was withdrawn by entry 4 while rows were drawn"):
        sample(kept, out=tmp_path / "again", progress=withdraws)
    assert not (tmp_path / "again").exists()
    assert not list(kept.state.glob("*/samples/*"))
    assert kept.api.verify(root=kept.root).verified
