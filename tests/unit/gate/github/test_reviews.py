"""Reviews on GitHub, demanded as well: a local server answers as GitHub would."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dpgate.gate.github import api as apis
from dpgate.gate.github.reviews import Witness, witness
from dpgate.ledger.chain import link_up, read
from dpgate.ledger.store import Store
from dpgate.model.policy import GithubReviews
from dpgate.model.record import Reserve, Reviewed
from tests.github import REPOSITORY, GitHub
from tests.team import BRANCH, DATASET, MANIFEST, POLICY, RELEASE, Team

HEAD = "a" * 40
"""Head of the pull request, as GitHub names it."""


@pytest.fixture
def merged(team: Team, github: GitHub, monkeypatch: pytest.MonkeyPatch) -> GitHub:
    """Pull request 7 brought the manifest, and was merged."""
    brought = team.git("log", "-1", "--format=%H", "--", MANIFEST)
    github.pull(7, head=HEAD, merged=brought)
    for path in (MANIFEST, DATASET):
        github.contents[HEAD, path] = (team.clone / path).read_bytes()
    for name, value in github.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(apis, "_WAITS", (0.0,))
    return github


def ask(team: Team, github: GitHub, **rule: Any) -> Witness:
    store = Store(team.clone, branch=BRANCH)
    rules = (GithubReviews.model_validate(rule),)
    (found,) = witness(store, RELEASE, rules, github.environment)
    return found


def reviewed(*logins: str) -> Witness:
    return Witness(Reviewed(repository=REPOSITORY, pull=7, reviewers=logins))


def test_a_review_of_these_bytes_counts(team: Team, merged: GitHub) -> None:
    merged.review(7, "ann", "APPROVED")
    assert ask(team, merged) == reviewed("ann")
    assert ask(team, merged, users=("Ann",)) == reviewed("ann")
    found = ask(team, merged, users=("bob",))
    assert found.problem == "pull request #7: nobody approved these bytes, 1 must"
    assert not found.error


def test_people_are_counted_not_reviews(team: Team, merged: GitHub) -> None:
    merged.review(7, "ann", "APPROVED")
    merged.review(7, "ann", "APPROVED")
    assert "ann approved these bytes, 2 must" in ask(team, merged, at_least=2).problem
    for number in range(120):  # more than one page
        merged.review(7, f"u{number}", "COMMENTED")
    merged.review(7, "bob", "APPROVED")
    assert ask(team, merged, at_least=2) == reviewed("ann", "bob")


def test_a_word_behind_more_pages_than_are_read_is_not_overlooked(
    team: Team, merged: GitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apis, "_MOST_PAGES", 2)
    merged.review(7, "ann", "APPROVED")
    for number in range(199):
        merged.review(7, f"u{number}", "COMMENTED")
    merged.review(7, "ann", "CHANGES_REQUESTED")
    found = ask(team, merged)
    assert (found.error, found.reviewed) == (True, None)
    assert "more than 2 pages" in found.problem


@pytest.mark.parametrize("state", ["CHANGES_REQUESTED", "DISMISSED"])
def test_the_last_word_of_a_reviewer_counts(team: Team, merged: GitHub, state: str) -> None:
    merged.review(7, "ann", "APPROVED")
    merged.review(7, "ann", state)
    assert ask(team, merged).reviewed is None
    merged.review(7, "ann", "APPROVED")
    merged.review(7, "ann", "COMMENTED")
    assert ask(team, merged) == reviewed("ann")


def test_authors_and_passers_by_do_not_count(team: Team, merged: GitHub) -> None:
    merged.review(7, "Author", "APPROVED")
    merged.review(7, "passer-by", "APPROVED", association="NONE")
    assert ask(team, merged).reviewed is None
    assert ask(team, merged, users=("passer-by",)) == reviewed("passer-by")
    assert ask(team, merged, users=("author",)).reviewed is None


def test_members_of_a_team_count(team: Team, merged: GitHub) -> None:
    merged.review(7, "ann", "APPROVED")
    assert ask(team, merged, teams=("acme/privacy",)).reviewed is None
    merged.teams["acme/privacy"] = {"ann"}
    assert ask(team, merged, teams=("acme/privacy",)) == reviewed("ann")
    merged.broken["/memberships/"] = 403
    refused = ask(team, merged, teams=("acme/privacy",))
    assert (refused.error, "GitHub answered 403" in refused.problem) == (True, True)


@pytest.mark.parametrize("path", [MANIFEST, DATASET])
def test_a_review_of_other_bytes_does_not_count(team: Team, merged: GitHub, path: str) -> None:
    old = "b" * 40
    merged.contents.update({(old, p): merged.contents[HEAD, p] for p in (MANIFEST, DATASET)})
    merged.contents[old, path] += b"# more\n"
    merged.review(7, "ann", "APPROVED", commit=old)
    assert ask(team, merged).reviewed is None
    del merged.contents[old, path]
    assert ask(team, merged).reviewed is None
    merged.review(7, "ann", "APPROVED")
    assert ask(team, merged) == reviewed("ann")


def test_a_pull_request_that_is_open_or_about_something_else_does_not_count(
    team: Team, merged: GitHub
) -> None:
    merged.review(7, "ann", "APPROVED")
    merged.pulls[7]["merged_at"] = None
    assert ask(team, merged).problem == "no merged pull request brought this manifest"
    merged.commits.clear()
    found = ask(team, merged)
    assert (found.error, "422" in found.problem) == (True, True)


def test_of_several_pull_requests_one_must_suffice(team: Team, merged: GitHub) -> None:
    brought = team.git("log", "-1", "--format=%H", "--", MANIFEST)
    merged.pull(8, head=HEAD, merged=brought)
    merged.review(8, "ann", "APPROVED")
    found = ask(team, merged)
    assert found.reviewed is not None
    assert found.reviewed.pull == 8
    assert "pull request #8: ann approved" in ask(team, merged, at_least=2).problem


def _broken(github: GitHub) -> None:
    github.broken["/reviews"] = 500


def _redirecting(github: GitHub) -> None:
    github.redirect = "http://127.0.0.1:9"


def _odd(github: GitHub) -> None:
    github.review(7, "ann", "APPROVED")
    del github.reviews[7][0]["state"]


def _odd_name(github: GitHub) -> None:
    github.review(7, "\x1b[2J", "APPROVED")


def _odd_number(github: GitHub) -> None:
    github.review(7, "ann", "APPROVED")
    github.pulls[7]["number"] = "seven"


@pytest.mark.parametrize("harm", [_broken, _redirecting, _odd, _odd_name, _odd_number])
def test_a_github_that_cannot_be_asked_denies(
    team: Team, merged: GitHub, harm: Callable[[GitHub], None]
) -> None:
    harm(merged)
    found = ask(team, merged)
    assert found.error
    assert found.reviewed is None
    assert found.problem.isprintable()


@pytest.mark.parametrize("missing", ["GITHUB_TOKEN", "GITHUB_REPOSITORY"])
def test_outside_a_job_nothing_is_asked(team: Team, merged: GitHub, missing: str) -> None:
    environment = {k: v for k, v in merged.environment.items() if k != missing}
    (found,) = witness(Store(team.clone, branch=BRANCH), RELEASE, (GithubReviews(),), environment)
    assert found.error
    assert merged.requests == []


# ── through the gate ─────────────────────────────────────────────────────────────────────────


@pytest.fixture
def demanding(team: Team) -> Team:
    """A team whose policy demands one review by ann."""
    rule = "- {roles: [privacy], github_reviews: {users: [ann]}}"
    team.edit(POLICY, "- {roles: [privacy]}", rule)
    team.commit("Reviews too")
    team.approve("policy")
    team.adopt()
    team.approve()
    return team


@pytest.mark.slow
def test_a_release_waits_for_the_review_and_records_it(demanding: Team, merged: GitHub) -> None:
    team = demanding
    plan = team.api.plan(RELEASE)
    assert plan.verdict == "ready"  # a plan cannot see reviews, and says that they are asked for
    assert [rule.words for rule in plan.reviews] == ["1 approving review on GitHub by @ann"]
    assert (
        "and, asked by the release job: 1 approving review" in team.dpgate("plan", RELEASE).stdout
    )
    before = len(team.ledger())
    denied = team.release()
    assert denied.outcome == "denied"
    assert denied.plan is not None
    (finding,) = [f for f in denied.plan.findings if f.rule == "github-reviews"]
    assert (finding.level, finding.outcome) == ("deny", "violated")
    assert len(team.ledger()) == before
    merged.review(7, "ann", "APPROVED")
    assert team.release().outcome == "released"
    entries = [link.entry for link in link_up(read(team.ledger())).links]
    (reserve,) = [entry for entry in entries if isinstance(entry, Reserve)]
    assert reserve.reviewed == (reviewed("ann").reviewed,)
    told = {term.label: term.value for term in team.api.explain(reserve.sequence).terms}
    said = told["reviewed on GitHub, says the runner"]
    assert said == f"pull request 7 of {REPOSITORY}: ann"
    assert team.api.verify().verified


def test_a_review_is_no_approval(demanding: Team, merged: GitHub) -> None:
    merged.review(7, "ann", "APPROVED")
    for path in (demanding.clone / f"releases/{RELEASE}/approvals").iterdir():
        path.unlink()
    demanding.commit("No approval")
    assert demanding.release().outcome == "denied"
    assert [path for _, path, _ in merged.requests] == []  # not even asked


def test_without_github_a_release_is_denied(demanding: Team, merged: GitHub) -> None:
    merged.broken["."] = 503
    denied = demanding.release()
    assert denied.plan is not None
    (finding,) = [f for f in denied.plan.findings if f.rule == "github-reviews"]
    assert (finding.level, finding.outcome) == ("deny", "error")
    assert "GitHub answered 503" in finding.message
