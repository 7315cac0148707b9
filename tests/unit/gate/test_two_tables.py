"""Two tables through every verb, and what the rows that come out have in common with the data."""

from __future__ import annotations

import datetime as dt
import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import time_machine

from dpgate.accounting import calibrate
from dpgate.accounting.groups import row_share
from dpgate.errors import SynthesisError, UsageError
from dpgate.gate.costing import planned_events, product_of
from dpgate.gate.product import Bench
from dpgate.gate.staging import Run
from dpgate.gate.two_tables import MadeTables
from dpgate.gate.workspace import Case
from dpgate.loading.documents import load
from dpgate.mechanisms.session import Mechanisms
from dpgate.sources.open import open_tables
from tests.suites import members
from tests.team import DATASET, MANIFEST, RELEASE, Team

pytestmark = pytest.mark.slow


def case(**changes: str) -> Case:
    dataset, manifest = members.DOCUMENT, members.RELEASE_DOCUMENT.replace("EXPIRES", "2099-01-01")
    for old, new in changes.items():
        assert (old in dataset) or (old in manifest)
        dataset, manifest = dataset.replace(old, new), manifest.replace(old, new)
    return Case(RELEASE, load(DATASET, dataset.encode()), load(MANIFEST, manifest.encode()))


def made(
    folder: Path, one: Case, people: dict[str, list[Any]], claims: dict[str, list[Any]]
) -> MadeTables:
    """A release without its gate."""
    members.write(folder, people, claims)
    spec = one.release.spec
    assert spec.synthesize
    assert spec.synthesize.joined
    events = planned_events(one)
    pair = open_tables(
        str(folder), one.dataset, spec.columns, spec.synthesize.joined.context, folder
    )
    found = product_of(one).make(
        Bench(
            events=events,
            source=pair.persons,
            rows=pair.rows,
            mechanisms=Mechanisms(events, "add-remove"),
            run=Run(folder, "none"),
            recipients=(),
            progress=lambda stage, fraction: None,
        )
    )
    assert isinstance(found, MadeTables)
    return found


def test_what_is_planned_is_what_both_tables_cost() -> None:
    one = case()
    events = planned_events(one)
    rho = calibrate.rho_for(Decimal(1), Decimal("1e-9"))
    spent = {
        t: sum(e.loss for e in events if e.name.startswith(f"{t}.")) for t in ("persons", "claims")
    }
    assert sum(spent.values()) == sum(event.loss for event in events)
    assert float(spent["persons"]) == pytest.approx(float(rho) * 0.4, rel=1e-6)
    assert float(spent["claims"]) == pytest.approx(float(rho) * 0.6, rel=1e-6)
    assert sum(spent.values()) <= rho
    squared = {event.name: event.sensitivity_squared for event in events}
    assert squared["persons.mst.one_way"] == 1
    assert squared["claims.mst.one_way"] == members.AT_MOST**2
    assert squared["claims.mst.select"] == 16**2 * members.AT_MOST**2
    assert row_share(rho, members.AT_MOST, "add-remove") < rho / 35


def test_distances_when_a_person_is_replaced() -> None:
    squared = {
        e.name: e.sensitivity_squared for e in planned_events(case(**{"add-remove": "replace-one"}))
    }
    assert squared["persons.mst.one_way"] == 2
    assert squared["claims.mst.one_way"] == 2 * (2 * members.AT_MOST) ** 2


@pytest.mark.parametrize("synthesizer", ["mst", "aim", "independent"])
def test_rows_follow_the_data(synthesizer: str, tmp_path: Path) -> None:
    """Where noise is small: how many claims by plan, and which services by age."""
    one = case(**{"with: mst": f"with: {synthesizer}", "epsilon: 1.0": "epsilon: 200"})
    people = members.people(4000)
    claims = members.claims(people)
    found = made(tmp_path, one, people, claims)
    (conforms,) = [r for r in found.results if r.metric == "schema_conformity"]
    assert conforms.model_dump()["value"] == 0, conforms
    persons, rows = found.persons.to_pandas(), found.rows.to_pandas()
    assert len(rows) == persons.claims.sum()
    numbers = rows.member.value_counts().reindex(persons.member, fill_value=0)
    assert (numbers.to_numpy() == persons.claims.to_numpy()).all()
    beside = rows.merge(persons, on="member", suffixes=("", "_of_person"))
    assert (beside.age == beside.age_of_person).all()
    counts = pa.table(claims).group_by("member").aggregate([("member", "count")])
    kept = np.minimum(counts["member_count"].to_numpy(), members.AT_MOST).sum()
    assert persons.claims.mean() == pytest.approx(kept / 4000, abs=0.03)
    if synthesizer == "independent":
        return
    for plan, mean in (("basic", 0.8), ("gold", 2.8)):
        assert persons[persons.plan == plan].claims.mean() == pytest.approx(mean, abs=0.15)
    for age, chances in members.CHANCES.items():
        shares = rows[rows.age == age].service.value_counts(normalize=True)
        assert [shares[s] for s in members.SERVICES] == pytest.approx(chances, abs=0.06)


def test_the_number_of_rows_can_be_context(tmp_path: Path) -> None:
    """Those with many claims have other ones: told apart by the table's own name."""
    one = case(**{"context: [age, plan]": "context: [claims]", "epsilon: 1.0": "epsilon: 200"})
    people = members.people(4000)
    claims = members.claims(people)
    numbers = (
        pa.table({"member": claims["member"]}).group_by("member").aggregate([("member", "count")])
    )
    many = dict(
        zip(numbers["member"].to_pylist(), numbers["member_count"].to_pylist(), strict=True)
    )
    claims["service"] = ["stay" if many[member] > 2 else "visit" for member in claims["member"]]
    rows = made(tmp_path, one, people, claims).rows.to_pandas()
    heavy = rows.claims > 2
    assert (rows[heavy].service == "stay").mean() > 0.95
    assert (rows[~heavy].service == "visit").mean() > 0.95


def test_nobody_has_claims(tmp_path: Path) -> None:
    """Both tables are counted all the same: everybody has none."""
    people = members.people(2000)
    claims = members.claims(people)
    members.write(tmp_path, people, claims)
    pq.write_table(pa.table(claims).slice(0, 0), tmp_path / "claims.parquet")
    one = case()
    spec = one.release.spec
    pair = open_tables(str(tmp_path), one.dataset, spec.columns, ("age", "plan"), tmp_path)
    assert pair.rows.count([(0, 2)])[0].sum() == 0
    assert pair.persons.count([(4,)])[0][0] == 2000


@pytest.mark.parametrize("synthesizer", ["copula"])
def test_a_model_that_cannot_be_conditioned_is_refused(synthesizer: str) -> None:
    with pytest.raises(SynthesisError, match="cannot be conditioned") as caught:
        product_of(case(**{"with: mst": f"with: {synthesizer}"}))
    assert "mst, aim or independent" in caught.value.fix


def test_every_verb(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    members.describe(team)
    members.put(team)
    assert team.dpgate("check").returncode == 0
    plan = team.dpgate("plan", RELEASE)
    flat = " ".join(plan.stdout.split())
    assert "persons are protected: one member and at most 6 claims of each are read" in flat
    assert "two tables: claims takes 60 % of the ρ, and depends on age, plan of the person" in flat
    assert "noise per cell, in members (95 %)" in flat
    assert "noise per cell, in claims (95 %)" in flat
    assert "the share of 120000 claims" in flat
    as_json = json.loads(team.dpgate("plan", RELEASE, "--format", "json").stdout)
    assert as_json["joined"]["rows_per_person"] == 6
    assert {row["table"] for row in as_json["marginals"]} == {"persons", "claims"}
    team.approve()
    done = team.release(out=team.folder / "out")
    assert done.outcome == "released"
    by_table = {
        item.get("table"): item for item in done.evidence if item["metric"] == "marginal_tvd"
    }
    assert by_table.keys() == {"persons", "claims"}
    assert by_table["claims"]["events"] == ["claims.evidence.tvd_1"]
    files = {path.name for path in (team.folder / "out").iterdir()}
    assert {"persons.parquet", "claims.parquet", "persons.csv", "claims.csv"} <= files
    persons = pq.read_table(team.folder / "out/persons.parquet")
    claims = pq.read_table(team.folder / "out/claims.parquet")
    assert persons.column_names == ["member", "age", "plan", "region", "joined_on"]
    assert claims.column_names == ["member", "claim", "service", "cost", "paid", "billed_on",
                                   "settled_on", "share_left", "waited"]  # fmt: skip
    assert set(claims["member"].to_pylist()) <= set(persons["member"].to_pylist())
    assert pc.all(pc.greater_equal(claims["cost"], claims["paid"])).as_py()
    started = dict(
        zip(persons["member"].to_pylist(), persons["joined_on"].to_pylist(), strict=True)
    )
    for row in claims.slice(0, 50).to_pylist():
        assert row["waited"] == (row["billed_on"] - started[row["member"]]).days
    card = (team.folder / "out/card.md").read_text()
    assert "Every row of claims has the `member` of one of persons" in card
    assert "| one person, 1 row and up to 6 of claims |" in card
    assert team.api.verify(root=team.root).verified
    assert "claims.mst.one_way" in team.dpgate("ledger", "explain", "2").stdout
    assert team.dpgate("ledger", "what-if", RELEASE).returncode == 0
    with pytest.raises(UsageError, match="kept no model"):
        team.api.sample(RELEASE, {"rows": 5}, key=team.key("runner"))
    with pytest.raises(UsageError, match="has two tables, and a recommendation is about one"):
        team.api.recommend("clinic-visits")


def test_the_example_of_the_documentation(team: Team) -> None:
    """docs/tables.md, block by block, as a reader would type it."""
    text = (Path(__file__).parents[3] / "docs/tables.md").read_text()
    dataset, manifest = re.findall("```yaml\n(.*?)```", text, flags=re.DOTALL)
    (tables,) = re.findall("```sql\n(.*?)```", text, flags=re.DOTALL)
    team.write("releases/health-plan/dataset.yaml", dataset)
    team.write("releases/health-plan/analysts/release.yaml", manifest)
    team.commit("An example")
    with duckdb.connect(team.folder / "plan.duckdb") as base:
        base.execute(tables)
    with time_machine.travel(dt.datetime(2026, 12, 1, tzinfo=dt.UTC), tick=True):
        team.approve("health-plan/analysts")
        done = team.release(
            "health-plan/analysts", source=str(team.folder / "plan.duckdb"), out=team.folder / "out"
        )
    assert done.outcome == "released", done.failures
    persons = pq.read_table(team.folder / "out/persons.parquet")
    claims = pq.read_table(team.folder / "out/claims.parquet").to_pandas()
    assert persons.num_rows == 20_000
    mean = len(claims) / persons.num_rows
    assert mean == pytest.approx(1.6, abs=0.2)  # of 40,000 claims a fifth name nobody
    beside = claims.merge(persons.to_pandas(), on="member")
    assert (beside[beside.age == "old"].service == "stay").mean() > 0.8
    assert (beside[beside.age != "old"].service == "visit").mean() > 0.8


def test_a_gate_that_fails_says_which_table(team: Team) -> None:
    members.describe(
        team,
        {"order: 1, at_most: 0.9, table: claims": "order: 1, at_most: 0.000001, table: claims"},
    )
    members.put(team)
    team.approve()
    done = team.release(out=team.folder / "out")
    assert done.outcome == "gate-failed"
    assert len(done.failures) == 1
    assert "marginal_tvd of order 1 of claims" in done.failures[0]


def test_statistics_are_refused(team: Team) -> None:
    members.describe(team)
    text = (team.clone / MANIFEST).read_text()
    start, end = text.index("  synthesize:"), text.index("  retention:")
    team.write(
        MANIFEST,
        text[:start]
        + "  statistics: {queries: [{name: services, type: count, by: [service]}]}\n"
        + "  privacy: {epsilon: 1.0, delta: 1e-9}\n"
        + text[end:],
    )
    found = {f.rule: f for f in team.api.check().findings}
    assert "statistics are about one table" in found["two-tables"].message
