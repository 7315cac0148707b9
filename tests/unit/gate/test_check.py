"""`check` and the other readers: what they find without data, and what they refuse."""

from __future__ import annotations

from decimal import Decimal

import pytest

import dpgate
from dpgate.errors import UsageError
from dpgate.gate.difference import differences
from dpgate.loading.documents import load
from dpgate.model.policy import PrivacyPolicy
from tests.team import POLICY, RELEASE, Team


def test_keys_of_the_policy_are_checked_too(fresh_team: Team) -> None:
    team = fresh_team
    privacy = team.key("privacy").public.line
    legal = team.key("legal").public.line
    team.edit(POLICY, legal, privacy)
    (finding,) = team.api.check().findings
    assert (finding.rule, finding.level) == ("policy-keys", "deny")
    assert "stands under role privacy and again under legal" in finding.message
    assert finding.line > 1


def test_recipients_of_the_policy_are_checked_too(fresh_team: Team) -> None:
    text = (fresh_team.clone / POLICY).read_text()
    recipient = text.partition("encrypt_to: [")[2].partition("]")[0]
    fresh_team.edit(POLICY, recipient, recipient[:-1] + ("q" if recipient[-1] != "q" else "p"))
    result = fresh_team.api.check()
    assert not result.allowed
    (finding,) = result.findings
    line = (fresh_team.clone / POLICY).read_text().splitlines()[finding.line - 1]
    assert line[finding.column - 1 :].startswith("age1")
    assert "recipient 1 of role stewards" in finding.message


def test_a_folder_or_a_file_may_be_named(fresh_team: Team) -> None:
    other = fresh_team.copy_manifest("second")
    assert fresh_team.api.check().releases == (f"{RELEASE.split('/')[0]}/second", RELEASE)
    for path in (f"releases/{other}", f"releases/{other}/release.yaml"):
        assert fresh_team.api.check(paths=(path,)).releases == (other,)
    with pytest.raises(UsageError, match="is not in the release repository"):
        fresh_team.api.check(paths=("/etc/hosts",))


def test_outside_of_a_repository_it_says_how_to_start_one(fresh_team: Team) -> None:
    with pytest.raises(UsageError, match=r"no policies/organization\.yaml") as lost:
        dpgate.check(fresh_team.folder)
    assert "dpgate init" in lost.value.fix
    assert dpgate.check(fresh_team.clone / "releases" / RELEASE).allowed


def policy(team: Team, *edits: tuple[str, str]) -> PrivacyPolicy:
    text = (team.clone / POLICY).read_text()
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new, 1)
    document = load(POLICY, text.encode()).document
    assert isinstance(document, PrivacyPolicy)
    return document


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (
            ("lifetime: {epsilon: 8}", "lifetime: {epsilon: 9}"),
            "lifetime limit of clinic-patients is raised: ε 8 → 9",
        ),
        (
            ("lifetime: {epsilon: 8}", "lifetime: {epsilon: 7}"),
            "lifetime limit of clinic-patients is lowered: ε 8 → 7",
        ),
        (
            ("every: quarter", "every: month"),
            "quota of clinic-patients for purpose vendor-testing, every quarter is removed: it allowed ε 2",
        ),
        (
            ("every: quarter", "rolling_days: 90"),
            "quota of clinic-patients for purpose vendor-testing, last 90 days is added: ε 2",
        ),
        (("every: quarter, epsilon: 2", "every: quarter, epsilon: 3"), "is raised: ε 2 → 3"),
        (
            ("person, epsilon_per_release_at_most: 1", "person, epsilon_per_release_at_most: 2"),
            "ε of one release with phi columns is raised: ε 1 → 2",
        ),
        (
            ("title: Who a person is", "title: Who"),
            "class demographic: title: Who a person is → Who",
        ),
        (("  purposes: [", "  purposes: [fun, "), "purposes: [vendor-testing"),
        (("delta_at_most: 1e-8", "delta_at_most: 1e-7"), "delta_at_most: 1e-8 → 1e-7"),
        (
            ("{name: organization}", "{name: organization, title: Ours}"),
            "metadata.title: nothing → Ours",
        ),
        (
            ("    # stewards:", "    audit: {encrypt_to: [age1x]}\n    # stewards:"),
            "role audit is added",
        ),
        (
            ("retention: {days_at_most: 730}", "retention: {days_at_most: 30}"),
            "retention.days_at_most: 730 → 30",
        ),
    ],
)
def test_a_change_of_policy_is_said_in_words(
    fresh_team: Team, edit: tuple[str, str], said: str
) -> None:
    before, after = policy(fresh_team), policy(fresh_team, edit)
    assert differences(before, before) == ()
    lines = differences(before, after)
    assert any(said in line for line in lines), lines
    back = differences(after, before)
    assert len(back) == len(lines)
    if "is added" in said:
        assert any("is removed" in line for line in back)


def test_what_if_counts_what_would_fit(team: Team) -> None:
    result = team.api.what_if(RELEASE)
    assert 0 < result.fitting < result.asked
    assert result.first_full
    assert all(scope.fits for scope in result.scopes)
    assert team.api.what_if(RELEASE, epsilon=Decimal("0.01"), times=3).fitting == 3
    assert team.api.what_if(RELEASE, epsilon=Decimal(50)).fitting == 0
    for times in (0, 1001):
        with pytest.raises(UsageError, match="1 to 1,000"):
            team.api.what_if(RELEASE, times=times)
    team.edit("releases/clinic-visits/dataset.yaml", "clinic-patients ", "somebody-else ")
    with pytest.raises(UsageError, match="population somebody-else has no budget"):
        team.api.what_if(RELEASE)
