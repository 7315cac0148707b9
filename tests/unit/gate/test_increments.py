"""Increments: further periods of a release, of the same people, composed by the ledger as always."""

from __future__ import annotations

import pytest

from dpgate.errors import DocumentError
from dpgate.gate import increments, rederive
from dpgate.gate.results import PlanResult
from dpgate.ledger.chain import link_up, read
from tests.team import DATASET, MANIFEST, RELEASE, Team

NEXT = "clinic-visits/second"


def continued(
    team: Team, name: str = "second", of: str = "vendor-testing", period: str = "2026-Q4"
) -> str:
    """A further manifest that says what it continues."""
    said = f"  increment: {{of: {of}, period: {period}}}\n  retention:"
    return team.copy_manifest(name, **{"  retention:": said})


def plan(team: Team, release: str = NEXT) -> PlanResult:
    result: PlanResult = team.api.plan(release)
    return result


def denied(team: Team, release: str = NEXT) -> str:
    result = plan(team, release)
    found = [finding for finding in result.findings if finding.rule == "increment"]
    assert result.verdict == "denied"
    assert len(found) == 1
    assert found[0].line > 10
    assert found[0].fix
    return found[0].message


@pytest.mark.slow
def test_a_further_period_is_charged_with_what_came_before(released_team: Team) -> None:
    team = released_team
    continued(team)
    team.commit("A further period")
    team.approve(NEXT)
    before = plan(team)
    assert before.verdict == "ready"
    assert before.series is not None
    assert [(row.release, row.period) for row in before.series.rows] == [(RELEASE, "")]
    assert before.series.epsilon == before.scopes[0].after  # nobody else was released
    assert team.release(NEXT).outcome == "released"
    third = continued(team, "third", of="second", period="2027-Q1")
    team.commit("One more")
    team.approve(third)
    said = team.dpgate("plan", third).stdout
    assert "period 2027-Q1 of a series; the same people may be in all:" in said
    assert "clinic-visits/second (2026-Q4): ε 1.00 alone" in said
    series = plan(team, third).series
    assert series is not None
    assert [row.release for row in series.rows] == [RELEASE, NEXT]
    offline = team.api.plan(third, offline=True).series
    assert offline == series
    verified = team.api.verify(root=team.root)
    assert verified.verified
    assert "; 1 increment" in verified.steps[5].detail
    assert team.release(third).outcome in ("released", "denied")


def test_what_does_not_stand_cannot_be_continued(released_team: Team) -> None:
    team = released_team
    continued(team, of="nowhere")
    assert "clinic-visits/nowhere was never released" in denied(team)
    continued(team)
    team.api.withdraw(RELEASE, reason="A leak.", key=team.key("runner"))
    assert f"{RELEASE} was withdrawn" in denied(team)


@pytest.mark.parametrize(
    ("path", "old", "new", "message"),
    [
        (
            DATASET,
            "[north, south, east, west]",
            "[north, south, east]",
            "column clinic is described",
        ),
        (DATASET, "max_rows_per_person: 12", "max_rows_per_person: 4", "about another unit"),
        (None, "reason, follow_up]", "reason]", "has other columns"),
    ],
)
def test_other_columns_cells_or_people_are_no_increment(
    released_team: Team, path: str | None, old: str, new: str, message: str
) -> None:
    continued(released_team)
    released_team.edit(path or f"releases/{NEXT}/release.yaml", old, new)
    assert message in denied(released_team)


def test_a_period_is_in_a_series_once(released_team: Team) -> None:
    team = released_team
    continued(team)
    team.commit("A further period")
    team.approve(NEXT)
    team.release(NEXT)
    third = continued(team, "third", of="second")
    assert "period 2026-Q4 is in this series already" in denied(team, third)


def test_a_release_does_not_continue_itself(released_team: Team) -> None:
    released_team.edit(
        MANIFEST, "  retention:", "  increment: {of: vendor-testing, period: q}\n  retention:"
    )
    with pytest.raises(DocumentError) as caught:
        released_team.api.check()
    assert "names the release before this one" in caught.value.problems[0].message
    assert caught.value.problems[0].file == MANIFEST


def test_no_other_release_has_a_series(released_team: Team) -> None:
    case = released_team.copy_manifest("alone")
    assert plan(released_team, case).series is None
    chain = link_up(read(released_team.ledger()))
    assert increments.judge(chain, rederive.judged(chain)) == ""
