"""Earlier releases: charged like real ones, by entries like real ones."""

from __future__ import annotations

import datetime as dt

from dpgate.gate.costing import cost_of
from dpgate.gate.past import ChainPast
from dpgate.gate.policytest.history import Made, moment, standing
from dpgate.gate.trial import Costs
from dpgate.gate.workspace import policy_of, workspace
from dpgate.ledger.chain import link_up, read
from dpgate.policy.facts import clock, facts_of
from dpgate.policy.scopes import scopes
from tests.team import RELEASE, Team
from tests.unit.gate.policytest.writing import one, problems, run

DAY = dt.date(2026, 10, 5)


def test_the_past_of_a_case_is_that_of_a_ledger_with_the_same_releases(released_team: Team) -> None:
    space = workspace(released_team.clone)
    case, policy = space.case(RELEASE), policy_of(space.policy_file)
    past = standing(space.policy_file, [Made(case, DAY, "released")], Costs(policy)).past
    store = released_team.store()
    real = ChainPast(link_up(read(store.fetch().files)), policy.spec.accounting.orders)
    assert past.released_by(RELEASE) == real.released_by(RELEASE) is not None
    assert past.attempts(RELEASE) == real.attempts(RELEASE) == 1
    assert past.charged("clinic-visits") == real.charged("clinic-visits")
    (mine,), (theirs,) = past.paid(RELEASE), real.paid(RELEASE)
    for what in ("spend", "events", "claim", "facts"):
        assert getattr(mine, what) == getattr(theirs, what)
    hour = clock(policy, moment(policy, dt.date(2026, 11, 20))).hour
    for scope in scopes(
        policy, facts_of(case.dataset, case.release), hour, case.dataset.spec.limits
    ):
        if scope.window.name == "lifetime":
            assert past.spent(scope) == real.spent(scope)


def test_each_outcome_is_spent_and_only_one_stands(fresh_team: Team) -> None:
    space = workspace(fresh_team.clone)
    case, policy = space.case(RELEASE), policy_of(space.policy_file)
    costs = Costs(policy)
    outcomes = ["abandoned", "gate-failed", "failed", "withdrawn"]
    made = [Made(case, DAY, outcome) for outcome in outcomes]
    past = standing(space.policy_file, reversed(made), costs).past
    assert past.attempts(RELEASE) == 4
    assert past.withdrawn(RELEASE)
    assert {each.outcome for each in past.history()} == set(outcomes)
    assert costs.of(case).spend == cost_of(policy, case).spend
    assert costs.of(case) is costs.of(case)


def test_budgets_know_of_it(fresh_team: Team) -> None:
    result = run(
        fresh_team,
        """
        - name: this quarter's budget is used up
          history: [{on: 2026-10-05, outcome: gate-failed, times: 7, set: {recipients: [them]}}]
          expect: [{rule: budget, message: "vendor-testing, 2026 Q4", at: privacy.epsilon}]
        - name: last quarter's does not count
          history: [{on: 2026-09-30, times: 7, set: {recipients: [them]}}]
          expect: allow
        - name: somebody else's purpose does not count
          history: [{on: 2026-10-05, times: 7, set: {purpose: research, recipients: [them]}}]
          expect: allow
        """,
    )
    assert result.passed, [case for case in result.cases if not case.passed]


def test_a_series_continues_what_stands(fresh_team: Team) -> None:
    history = "history: [{on: 2026-08-01, set: {metadata.name: first, privacy.epsilon: 0.3}%s}]"
    change = "set: {increment: {of: first, period: 2026-Q4}, privacy.epsilon: 0.3}"
    stands = f"- {{name: a, {history % ''}, {change}, expect: allow}}"
    assert one(fresh_team, stands).passed
    withdrawn = (
        f"- {{name: a, {history % ', outcome: withdrawn'}, {change}, "
        "expect: [{rule: increment, message: was withdrawn, at: increment.of}]}"
    )
    assert one(fresh_team, withdrawn).passed


def test_an_earlier_release_may_be_another_manifest(fresh_team: Team) -> None:
    fresh_team.copy_manifest("second", **{"purpose: vendor-testing": "purpose: research"})
    result = one(
        fresh_team,
        """
        - name: of another purpose
          history: [{on: 2026-10-05, release: clinic-visits/second, set: {recipients: [them]}}]
          expect: allow
        """,
    )
    assert result.passed


def test_what_cannot_have_been_released_is_an_error(fresh_team: Team) -> None:
    found = problems(
        fresh_team,
        """
        - {name: a, history: [{on: 2026-10-05, set: {synthesize.with: magic}}], expect: allow}
        - name: b
          history:
            - {on: 2026-10-05, set: {metadata.name: x}}
            - {on: 2026-10-06, set: {metadata.name: x}}
          expect: allow
        """,
    )
    assert len(found) == 2
    assert all(each.startswith("this cannot have been released before: ") for each in found)
    assert "x was released before, and is only once" in found[1]
