"""What is said of waivers: that they are idle, unfit, of nothing; and a row for each."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import pytest

from dpgate.gate.waivers_told import NO_WAIVERS, Waiving, nowhere, unfit, waiving
from dpgate.loading.repository import Documents
from dpgate.model.finding import Finding
from tests.suites.waiving import ALL, RELEASE, Bench, bench
from tests.unit.policy import worlds


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return bench(tmp_path_factory.mktemp("keys"))


def found(rule: str = "few-rows", **changes: Any) -> Finding:
    given = {"rule": rule, "level": "deny", "message": "too many", "fix": "", "enforcement": "soft"}
    return Finding(**{**given, **changes})


def asked(people: Bench, *signers: tuple[str, str], days: int = 0, **given: Any) -> Waiving:
    ground = people.ground
    ground = dataclasses.replace(ground, day=ground.day + dt.timedelta(days=days))
    return waiving([people.offer(*signers, **given)], RELEASE, people.rules, ground)


def test_a_waiver_in_force_sets_its_rule_aside_and_no_other(people: Bench) -> None:
    waivers = asked(people, *ALL)
    mine, other = waivers.aside([found(), found("another")])
    assert (mine.level, mine.outcome, mine.waiver) == (
        "warn",
        "waived",
        "policies/waivers/terms.yaml",
    )
    assert mine.message == "waived, would fail: too many"
    assert other == found("another")
    assert [each.offer.name for each in waivers.used([mine, other])] == ["terms"]
    assert waivers.aside([mine]) == (mine,)
    assert waivers.findings([mine, other]) == ()
    assert [row.state for row in waivers.rows([mine])] == ["in-force"]


@pytest.mark.parametrize("changes", [{"outcome": "error"}, {"enforcement": "hard"}])
def test_errors_and_hard_rules_are_never_set_aside(people: Bench, changes: dict[str, Any]) -> None:
    finding = found(**changes)
    assert asked(people, *ALL).aside([finding]) == (finding,)


def test_an_advisory_rule_stays_as_it_was_found(people: Bench) -> None:
    finding = found(enforcement="advisory", level="warn")
    assert asked(people, *ALL).aside([finding]) == (finding,)


def test_a_waiver_for_an_error_denies_and_says_why(people: Bench) -> None:
    (told,) = asked(people, *ALL).findings([found(outcome="error")])
    assert (told.rule, told.level) == ("waiver", "deny")
    assert "could not be evaluated: errors deny" in told.message
    assert told.place == "policies/waivers/terms.yaml:5:9"


@pytest.mark.parametrize(
    ("rule", "level", "words"),
    [
        ("no-acme", "deny", "is hard: no waiver of it can be in force"),
        ("budget", "deny", "built into dpgate: nobody can set it aside"),
        ("few-row", "deny", "which there is not"),
        ("polite", "warn", "is advisory and stops nothing"),
        ("two-agree", "deny", "is about approvals"),
    ],
)
def test_rules_that_cannot_be_waived(people: Bench, rule: str, level: str, words: str) -> None:
    waivers = asked(people, *ALL, rule=rule)
    (told,) = waivers.findings([])
    assert (told.level, told.rule) == (level, "waiver")
    assert words in told.message
    assert [row.state for row in waivers.rows([])] == ["refused"]


def test_an_unknown_rule_is_named_with_the_closest_one(people: Bench) -> None:
    wrong = unfit("few-row", asked(people).known)
    assert wrong is not None
    assert wrong.fix == "did you mean 'few-rows'?"
    far = unfit("x", asked(people).known)
    assert far is not None
    assert far.fix.startswith("rules that can be waived: few-rows, two-agree")
    none = unfit("x", {})
    assert none is not None
    assert none.fix == "rules that can be waived: none"


def test_an_idle_waiver_is_a_warning_unless_its_rule_is_judged_later(people: Bench) -> None:
    waivers = asked(people, *ALL)
    (told,) = waivers.findings([])
    assert (told.level, told.enforcement) == ("warn", "advisory")
    assert "is not needed: rule few-rows holds" in told.message
    assert [(row.state, row.why) for row in waivers.rows([])] == [("unused", "rule few-rows holds")]
    later = dataclasses.replace(waivers, later=frozenset({"few-rows"}))
    assert later.findings([]) == ()
    assert [row.state for row in later.rows([])] == ["in-force"]
    assert waivers.unless(None).findings([]) == ()
    assert waivers.unless(0) is waivers


def test_an_expired_one_warns_and_denies_nothing_more(people: Bench) -> None:
    waivers = asked(people, *ALL, days=1, rule="no-acme")
    (told,) = waivers.findings([])
    assert told.level == "warn"
    assert "is not in force: it expired on 2026-11-22" in told.message
    assert told.place.endswith(":9:12")
    assert waivers.aside([found()]) == (found(),)


def test_an_unsigned_one_says_who_is_to_sign(people: Bench) -> None:
    waivers = asked(people, ("ann", "privacy"))
    (told,) = waivers.findings([found()])
    assert told.level == "warn"
    assert "is not in force: 2 legal signatures missing" in told.message
    assert told.fix == "dpgate waive terms --role legal --key KEY"
    (row,) = waivers.rows([found()])
    assert (row.state, row.ticket, row.expires) == ("unsigned", "PRIV-7", "2026-11-22")


def test_one_that_the_policy_refuses_says_what_to_do(people: Bench) -> None:
    (told,) = asked(people, *ALL, days=-40).findings([found()])
    assert "change the waiver" in told.fix


def test_a_claimed_one_says_that_plan_judges_it(people: Bench) -> None:
    ground = dataclasses.replace(people.ground, root=None)
    waivers = waiving([people.offer()], RELEASE, people.rules, ground)
    (made,) = waivers.aside([found()])
    assert made.outcome == "waived"
    (row,) = waivers.rows([made])
    assert (row.state, row.why) == ("claimed", "plan judges its signatures")


def test_rules_that_nobody_may_have_signed_are_not_compiled_here(people: Bench) -> None:
    ground = dataclasses.replace(people.ground, root=None)
    waivers = waiving([people.offer(rule="two-agree")], RELEASE, people.rules, ground)
    assert waivers.consent == frozenset()
    assert waivers.known["two-agree"] == "soft"


def test_without_waivers_nothing_changes(people: Bench) -> None:
    assert waiving([], RELEASE, people.rules, people.ground) is NO_WAIVERS
    assert NO_WAIVERS.aside([found()]) == (found(),)
    assert NO_WAIVERS.findings([found()]) == ()


def test_a_waiver_for_a_release_without_a_manifest_denies(people: Bench) -> None:
    file = people.offer(release="clinic-visits/vendor-test").file
    documents = Documents(
        policy=None, datasets={}, releases={}, waivers={"terms": file}, present=frozenset({RELEASE})
    )
    (told,) = nowhere(documents)
    assert told.level == "deny"
    assert told.fix == f"did you mean {RELEASE!r}?"
    assert told.place == "policies/waivers/terms.yaml:6:12"
    (far,) = nowhere(dataclasses.replace(documents, present=frozenset({"a/b"})))
    assert far.fix == "remove it, or write the manifest"
    assert nowhere(dataclasses.replace(documents, waivers={})) == ()
    assert worlds.policy().spec.waivers is None
