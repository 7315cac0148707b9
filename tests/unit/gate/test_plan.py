"""Plans: what is judged, what is told, and what nobody may do yet."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import Any

import pytest
import time_machine

from dpgate.accounting.calibrate import rho_for
from dpgate.accounting.filter import Spend
from dpgate.errors import (
    AccountingError,
    ChainError,
    DocumentError,
    PolicyError,
    SignatureError,
    UndecidedError,
    UsageError,
)
from dpgate.gate import budgets
from dpgate.gate.results import NoiseRow, PlanResult
from dpgate.gate.workspace import policy_of, workspace
from dpgate.model.record import Facts
from dpgate.model.release import Privacy
from dpgate.policy.scopes import Tally
from tests.team import DATASET, MANIFEST, POLICY, RELEASE, Team


def plan(team: Team, release: str = RELEASE, **options: object) -> PlanResult:
    result = team.api.plan(release, **options)
    assert isinstance(result, PlanResult)
    return result


def test_a_plan_adds_up(team: Team) -> None:
    result = plan(team)
    assert result.verdict == "waiting"
    assert [scope.title.partition(",")[0] for scope in result.scopes] == [
        "clinic-patients",
        "vendor-testing",
        "recipient acme-scheduling",
    ]
    for scope in result.scopes:
        assert scope.before + scope.this == scope.after
        assert scope.after + scope.remaining == scope.limit
        assert scope.fits
    assert result.epsilon <= 1
    assert result.person_epsilon > result.row_epsilon > 0
    assert [row.order for row in result.noise if isinstance(row, NoiseRow)] == [1, 2]
    assert result.next == f"dpgate approve {RELEASE} --role privacy --key KEY"


def test_before_any_policy_nothing_can_be_planned(fresh_team: Team) -> None:
    with pytest.raises(UndecidedError, match="no policy was adopted yet") as undecided:
        plan(fresh_team)
    assert "dpgate policy adopt" in undecided.value.fix


def test_an_approval_makes_it_ready_and_one_byte_unmakes_it(team: Team) -> None:
    team.approve()
    ready = plan(team)
    assert (ready.verdict, ready.approvals[0].have) == ("ready", 1)
    assert ready.approvals[0].by == (team.key("privacy").public.fingerprint,)
    assert ready.next == f"dpgate release {RELEASE} --source FILE --key RUNNER_KEY"
    for path, what in ((MANIFEST, "manifest"), (DATASET, "dataset")):
        text = (team.clone / path).read_text()
        team.write(path, text + "\n")
        waiting = plan(team)
        assert waiting.verdict == "waiting"
        (rejected,) = waiting.rejected
        assert rejected.reason == f"it approved another version of the {what}"
        team.write(path, text)
    assert plan(team).verdict == "ready"


def test_an_approval_expires(team: Team) -> None:
    with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(days=3), tick=True):
        team.approve(days=2)
        assert plan(team).verdict == "ready"
    with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(days=7), tick=True):
        (rejected,) = plan(team).rejected
        assert rejected.reason.startswith("it expired on")


def test_a_rule_denies_before_anything_is_planned(team: Team) -> None:
    team.edit(MANIFEST, "purpose: vendor-testing", "purpose: fun")
    result = plan(team)
    assert (result.verdict, result.scopes, result.next) == ("denied", (), "")
    assert result.findings[0].rule == "known-purpose"
    with pytest.raises(UsageError, match="nothing to approve: purpose fun is not allowed"):
        team.approve()


def test_a_budget_that_is_too_small_denies_and_says_what_would_fit(team: Team) -> None:
    team.edit(POLICY, "every: quarter, epsilon: 2}", "every: quarter, epsilon: 0.5}")
    team.edit(POLICY, "lifetime: {epsilon: 8}", "lifetime: {epsilon: 0.8}")
    team.commit()
    team.approve("policy")
    team.adopt()
    result = plan(team)
    assert result.verdict == "denied"
    budget = [finding for finding in result.findings if finding.rule == "budget"]
    assert [finding.message.partition(" would")[0] for finding in budget] == [
        "clinic-patients, lifetime",
        next(scope.title for scope in result.scopes if scope.limit == Decimal("0.5")),
    ]
    fix = budget[0].fix
    assert "a quota's next window" in fix
    assert "a policy change approved by privacy and legal" in fix
    most = Decimal(fix.partition("epsilon: ")[2].partition(" ")[0])
    team.edit(MANIFEST, "epsilon: 1.0", f"epsilon: {most}")
    assert plan(team).verdict == "waiting"
    team.edit(MANIFEST, f"epsilon: {most}", f"epsilon: {most + Decimal('0.01')}")
    assert plan(team).verdict == "denied"


def test_where_nothing_fits_it_says_so(team: Team) -> None:
    team.edit(POLICY, "lifetime: {epsilon: 8}", "lifetime: {epsilon: 0.000001}")
    team.commit()
    team.approve("policy")
    team.adopt()
    assert "no epsilon fits today" in plan(team).findings[0].fix


def test_the_adopted_policy_judges_and_not_the_one_in_the_work_tree(team: Team) -> None:
    team.edit(POLICY, "[vendor-testing, research, teaching]", "[research]")
    result = plan(team)
    assert result.verdict == "waiting"
    assert "is not the adopted one" in result.policy_note


def test_an_open_reservation_blocks_and_tells_how_to_close_it(released_team: Team) -> None:
    released_team.push_ledger({"000003-settle.dsse.json": None})
    (released_team.state / released_team.root[7:39] / "head.json").unlink()
    result = plan(released_team)
    assert result.verdict == "denied"
    assert [item.entry for item in result.open] == [2]
    assert "dpgate ledger recover --entry 2" in result.next


def test_a_plan_finds_a_rollback(released_team: Team) -> None:
    released_team.push_ledger({"000003-settle.dsse.json": None})
    with pytest.raises(ChainError, match="rolled back"):
        plan(released_team)


def test_what_was_released_says_by_which_entry(released_team: Team) -> None:
    result = plan(released_team)
    assert (result.verdict, result.entry, result.attempts) == ("released", 3, 1)


@pytest.mark.parametrize(
    "name", [RELEASE, f"releases/{RELEASE}", f"releases/{RELEASE}/release.yaml", f"{RELEASE}/"]
)
def test_a_release_may_be_named_by_its_path(team: Team, name: str) -> None:
    assert plan(team, name).release == RELEASE


def test_a_release_that_is_not_there_names_those_that_are(team: Team) -> None:
    with pytest.raises(UsageError, match="no manifest releases/clinic-visits/none") as missing:
        plan(team, "clinic-visits/none")
    assert RELEASE in missing.value.fix


def test_strange_files_among_approvals_change_nothing(team: Team) -> None:
    folder = team.clone / f"releases/{RELEASE}/approvals"
    team.approve()
    good = next(folder.glob("*.dsse.json"))
    (folder / "copy.dsse.json").write_bytes(good.read_bytes())
    (folder / "odd name ✓.dsse.json").write_bytes(good.read_bytes())
    (folder / "link.dsse.json").symlink_to(good)
    (folder / "folder.dsse.json").mkdir()
    (folder / "big.dsse.json").write_bytes(b" " * 100_001)
    (folder / "bytes.dsse.json").write_bytes(b"\xff\xfe")
    (folder / "notes.txt").write_text("see the minutes")
    result = plan(team)
    assert (result.verdict, result.approvals[0].have) == ("ready", 1)
    assert [item.path.rpartition("/")[2] for item in result.rejected] == ["bytes.dsse.json"]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"days": 0}, UsageError, "1 to 366 days"),
        ({"days": 367}, UsageError, "1 to 366 days"),
        ({"attempts": 0}, UsageError, "1 to 100 attempts"),
        ({"attempts": 101}, UsageError, "1 to 100 attempts"),
    ],
)
def test_an_approval_is_for_a_time_and_a_number(
    team: Team, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        team.approve(**options)


def test_only_a_holder_of_the_role_approves(team: Team) -> None:
    with pytest.raises(SignatureError, match="does not hold role privacy"):
        team.api.approve(RELEASE, role="privacy", key=team.key("legal"))
    with pytest.raises(PolicyError, match="has no role chief"):
        team.api.approve(RELEASE, role="chief", key=team.key("legal"))


def test_two_clones_see_the_same_plan(team: Team) -> None:
    other = team.second_clone()
    assert plan(other) == plan(team)
    assert plan(other, offline=True) == plan(team)


def test_malformed_documents_end_everything(team: Team) -> None:
    team.write(MANIFEST, "kind: [")
    with pytest.raises(DocumentError):
        plan(team)


def test_a_dataset_that_changes_its_population_gets_no_fresh_budget(released_team: Team) -> None:
    team = released_team
    team.edit(
        POLICY,
        "  purposes:",
        "    others:\n      neighboring: add-remove\n      lifetime: {epsilon: 8}\n\n  purposes:",
    )
    team.commit()
    team.approve("policy")
    team.adopt()
    other = team.copy_manifest("again")
    team.edit(DATASET, "population: clinic-patients", "population: others")
    result = plan(team, other)
    assert result.verdict == "denied"
    assert any("clinic-patients" in finding.message for finding in result.findings)


@pytest.mark.parametrize("relation", ["add-remove", "replace-one"])
def test_persons_are_charged_where_the_dataset_protects_them(
    fresh_team: Team, relation: str
) -> None:
    team = fresh_team
    for path in (DATASET, POLICY):
        team.edit(path, "neighboring: add-remove", f"neighboring: {relation}")
    team.commit()
    team.approve("policy")
    team.adopt()
    rows = plan(team)
    team.edit(DATASET, "max_rows_per_person: 12,", "max_rows_per_person: 12, protect: person,")
    team.commit()
    persons = plan(team)
    assert (rows.unit, rows.row, persons.unit, persons.row) == ("visit", "visit", "person", "visit")
    # The same ε, and noise so much larger that it holds for all of a person's visits.
    assert rows.epsilon <= 1
    assert persons.epsilon <= 1
    assert persons.scopes[0].this == rows.scopes[0].this
    assert persons.person_epsilon == persons.row_epsilon < rows.person_epsilon
    far = 12 if relation == "add-remove" else 24
    for few, many in zip(rows.noise, persons.noise, strict=True):
        assert abs(many.half_width / few.half_width / far - 1) < Decimal("0.01")


def unpatched(fresh_team: Team, *, relation: str, allowed: bool = True) -> Team:
    """A manifest that asks for SmartNoise as shipped, and a policy that lets it."""
    classes = "synthesizers: [smartnoise-mst-unpatched], proofs: [real-arithmetic]}"
    fresh_team.edit(MANIFEST, "with: mst", "with: smartnoise-mst-unpatched")
    if allowed:
        fresh_team.edit(POLICY, "synthesizers: [mst, aim]}", classes)
    for path in (POLICY, DATASET):
        fresh_team.edit(path, "neighboring: add-remove", f"neighboring: {relation}")
    fresh_team.edit(DATASET, "max_rows_per_person: 12", "max_rows_per_person: 1")
    fresh_team.commit()
    fresh_team.approve("policy")
    fresh_team.adopt()
    return fresh_team


@pytest.mark.slow
def test_what_a_foreign_program_claims_stands_beside_what_it_costs(fresh_team: Team) -> None:
    team = unpatched(fresh_team, relation="replace-one")
    result = plan(team)
    assert result.verdict == "waiting"
    assert result.claimed_epsilon is not None
    assert Decimal("0.5") < result.claimed_epsilon < Decimal("0.7")
    assert Decimal("0.99") < result.epsilon <= 1
    words = " ".join(team.dpgate("plan", RELEASE).stdout.split())
    assert re.search(r"would claim ε 0\.6\d+ for this; it really costs 1\.00", words), words


def test_where_rows_come_and_go_a_known_total_is_refused(fresh_team: Team) -> None:
    team = unpatched(fresh_team, relation="add-remove")
    done = team.dpgate("plan", RELEASE)
    assert done.returncode == 2
    assert "accounted under replace-one alone" in done.stderr + done.stdout


def test_persons_of_many_rows_and_a_known_total_are_refused(fresh_team: Team) -> None:
    team = unpatched(fresh_team, relation="replace-one")
    team.edit(DATASET, "max_rows_per_person: 1", "max_rows_per_person: 12")
    with pytest.raises(AccountingError, match="has no group privacy rule"):
        plan(team)


def test_rows_left_out_and_a_known_total_are_refused(fresh_team: Team) -> None:
    """A row that comes in place of another may name nobody: then the total moves."""
    team = unpatched(fresh_team, relation="replace-one")
    team.edit(DATASET, "max_rows_per_person: 1,", "max_rows_per_person: 1, column: patient,")
    team.edit(
        DATASET, "  columns:\n", "  columns:\n    patient: {type: identifier, sensitivity: phi}\n"
    )
    with pytest.raises(AccountingError, match="rows that name nobody in patient are left out"):
        plan(team)


def test_the_policy_must_name_a_foreign_program_and_its_proof(fresh_team: Team) -> None:
    team = unpatched(fresh_team, relation="replace-one", allowed=False)
    rules = {finding.rule for finding in plan(team).findings}
    assert {"class-synthesizer", "class-proof"} <= rules


def test_what_fits_is_the_most_that_fits(team: Team) -> None:
    """Two decimals, down: it is admitted, and one hundredth more is not."""
    policy = policy_of(workspace(team.clone).policy_file)
    facts = Facts(
        populations=("clinic-patients",), type="synthetic", purpose="research",
        recipients=("acme",), sensitivities=(), groups=(),
        regions=("US",), columns=(), quasi_identifiers=(),
    )  # fmt: skip
    hour, delta = "2026-11-01T00:00:00Z", Decimal("1e-9")
    past = Tally(policy.spec.accounting.orders)

    def spend_at(epsilon: Decimal) -> Spend:
        rho = rho_for(epsilon, delta)
        return Spend({order: rho * order for order in policy.spec.accounting.orders})

    def admitted(epsilon: Decimal) -> bool:
        rows = budgets.rows(policy, facts, hour, None, past, spend_at(epsilon))
        return all(row.fits for row in rows)

    def most(epsilon: str) -> Decimal:
        asked = Privacy(epsilon=Decimal(epsilon), delta=delta)
        return budgets.fitting_epsilon(policy, facts, hour, None, past, spend_at, asked)

    assert admitted(most("50"))
    assert not admitted(most("50") + Decimal("0.01"))
    assert most("0.1") == Decimal("0.1")
    assert most("0.001") == 0
