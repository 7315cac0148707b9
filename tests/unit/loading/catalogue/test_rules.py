"""Each rule of the catalogue denies its example at the very words, and lets the other one pass."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, cast

import pytest

from dpgate.loading.catalogue import choose, shipped
from dpgate.loading.catalogue.values import written
from dpgate.loading.documents import Loaded, load
from dpgate.model.catalogue import CatalogueRule, Fragment
from dpgate.model.dataset import Dataset
from dpgate.model.finding import Finding
from dpgate.model.policy import PrivacyPolicy
from dpgate.model.release import Release
from dpgate.policy import rulebook
from dpgate.policy.cel import types
from dpgate.policy.cel.documents import of_documents
from dpgate.policy.cel.evaluate import Scene
from tests.unit.loading.catalogue.fragments import merged
from tests.unit.policy.worlds import DATASET, POLICY, RELEASE, text, with_catalogue

TODAY = dt.date(2026, 11, 22)
PAST = types.Past(
    name="clinic-visits/first",
    dataset="clinic-visits",
    entry=2,
    time="2026-11-12T09:00:00Z",
    outcome="released",
    type="synthetic",
    purpose="research",
    recipients=("acme-scheduling",),
    regions=("US",),
    sensitivities=("phi",),
    groups=(),
    columns=("age_group", "clinic", "reason"),
    quasi_identifiers=("age_group", "clinic"),
    epsilon=Decimal(1),
    population="clinic-patients",
    populations=("clinic-patients",),
)
QUOTA = types.Scope(
    population="clinic-patients",
    about="recipient",
    value="acme-scheduling",
    window="lifetime",
    title="recipient acme-scheduling, lifetime",
    before=Decimal(0),
    this=Decimal(1),
    after=Decimal(1),
    limit=Decimal(2),
    remaining=Decimal(1),
)


def chosen(known: CatalogueRule, options: Mapping[str, object] | None = None) -> choose.Active:
    """The rule as a policy with these options switches it on."""
    given = known.example.options if options is None else options
    source = with_catalogue(written({known.rule.id: {"options": dict(given)}}))
    document = cast("PrivacyPolicy", load(POLICY, source.encode()).document)
    (active,) = choose.active(document.spec)
    return active


def documents(fragment: Fragment) -> tuple[Loaded, Loaded]:
    """Dataset and manifest of `init` with the keys of an example."""
    found = (
        load(path, merged(text(path), part).encode())
        for path, part in ((DATASET, fragment.dataset), (RELEASE, fragment.release))
    )
    dataset, release = found
    return dataset, release


def facts(
    dataset_file: Loaded, release_file: Loaded, past: tuple[types.Past, ...]
) -> dict[str, Any]:
    """Everything that a plan knows: the documents', and a past."""
    dataset = cast("Dataset", dataset_file.document)
    release = cast("Release", release_file.document)
    recipients = release.spec.recipients
    spent = {"recipient:acme-scheduling": Decimal("1.4"), "recipient:zeta-labs": Decimal(1)}
    after = {f"recipient:{name}": spent.get(f"recipient:{name}", Decimal(0)) for name in recipients}
    return {
        **of_documents(dataset, release, TODAY),
        "budget": types.Budget(scopes=(), before={}, after=after, limit={}, remaining={}),
        "history": types.History(releases=past),
        "history.recipients": {
            name: [each for each in past if name in each.recipients] for name in recipients
        },
        "approvals": {
            "privacy": types.Approval(have=1, needed=1),
            "legal": types.Approval(have=0, needed=0),
        },
    }


def judge(
    known: CatalogueRule,
    fragment: Fragment,
    options: Mapping[str, object] | None = None,
    past: tuple[types.Past, ...] = (PAST,),
    **more: object,
) -> tuple[tuple[Finding, ...], str]:
    """What the rule finds, and the text from where the first finding points."""
    active = chosen(known, options)
    dataset_file, release_file = documents(fragment)
    policy_file = load(POLICY, text(POLICY).encode())
    bound = rulebook.Bound(
        rule=active.rule,
        loaded=policy_file,
        path=("spec", "catalogue", active.rule.id),
        origin="catalogue",
        options=active.options,
        types=active.types,
    )
    scene = Scene({**facts(dataset_file, release_file, past), **more})
    judged = rulebook.programs((bound,))
    found = rulebook.findings(judged, scene, release_file, dataset_file)
    if not found:
        return (), ""
    at = next(f for f in (dataset_file, release_file) if f.file == found[0].file)
    return found, at.text.split("\n")[found[0].line - 1][found[0].column - 1 :]


@pytest.mark.parametrize("name", shipped.names())
def test_an_example_is_denied_at_the_very_words(name: str) -> None:
    known = shipped.rule(name)
    (finding,), words = judge(known, known.example.fails)
    assert (finding.rule, finding.outcome, finding.level) == (name, "violated", "deny")
    assert finding.message == known.example.says
    assert finding.fix == known.rule.help
    assert words.startswith(known.example.points_at)


@pytest.mark.parametrize("name", shipped.names())
def test_the_other_example_passes(name: str) -> None:
    known = shipped.rule(name)
    assert judge(known, known.example.passes) == ((), "")


@pytest.mark.parametrize("name", shipped.names())
def test_defaults_can_be_judged(name: str) -> None:
    """With the suggested value where there is no default: whatever it finds, it is no error."""
    known = shipped.rule(name)
    options = {
        option: each.suggested for option, each in known.options.items() if each.default is None
    }
    words = {"phi/teaching", "standard-contractual-clauses"}
    assert options or words
    found, _ = judge(known, known.example.passes, options)
    assert not [finding for finding in found if finding.outcome == "error"]


# ── the edges of single rules ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("change", "denied"),
    [
        ({}, True),
        ({"outcome": "withdrawn"}, True),
        ({"outcome": "open"}, True),
        ({"outcome": "gate-failed"}, False),
        ({"name": "clinic-visits/vendor-testing"}, False),
        ({"populations": ("staff",)}, False),
        ({"quasi_identifiers": ("zip",)}, False),
        ({"recipients": ("zeta-labs",)}, False),
    ],
)
def test_what_counts_as_joinable(change: dict[str, Any], denied: bool) -> None:
    known = shipped.rule("joinable-recipient")
    found, _ = judge(known, known.example.fails, past=(replace(PAST, **change),))
    assert bool(found) == denied


@pytest.mark.parametrize(
    ("change", "denied"),
    [
        ({}, False),
        ({"window": "year"}, True),
        ({"value": "zeta-labs"}, True),
        ({"population": "staff"}, True),
    ],
)
def test_a_lifetime_quota_makes_joining_fine(change: dict[str, Any], denied: bool) -> None:
    known = shipped.rule("joinable-recipient")
    none: dict[str, Decimal] = {}
    budget = types.Budget(
        scopes=(replace(QUOTA, **change),), before=none, after=none, limit=none, remaining=none
    )
    found, _ = judge(known, known.example.fails, budget=budget)
    assert bool(found) == denied


@pytest.mark.parametrize(
    ("time", "denied"),
    [
        ("2026-10-23T00:00:00Z", True),
        ("2026-10-22T23:00:00Z", False),
        ("2026-11-22T05:00:00Z", True),
    ],
)
def test_a_number_of_releases_is_counted_in_a_window(time: str, denied: bool) -> None:
    known = shipped.rule("releases-per-recipient")
    found, _ = judge(known, known.example.fails, past=(replace(PAST, time=time),))
    assert bool(found) == denied


@pytest.mark.parametrize(
    ("change", "denied"),
    [
        ({"time": "2026-10-23T00:00:00Z"}, False),
        ({"time": "2026-10-23T01:00:00Z"}, True),
        ({"outcome": "failed"}, False),
        ({"populations": ("staff",)}, False),
        ({"name": "clinic-visits/vendor-testing"}, False),
    ],
)
def test_a_cool_down_is_about_these_people_and_ends(change: dict[str, Any], denied: bool) -> None:
    known = shipped.rule("cool-down")
    found, _ = judge(known, known.example.fails, past=(replace(PAST, **change),))
    assert bool(found) == denied


def test_a_cool_down_can_hold_for_increments_too() -> None:
    known = shipped.rule("cool-down")
    assert judge(known, known.example.passes, {"increments": False})[0]


@pytest.mark.parametrize(("have", "needed", "denied"), [(1, 0, False), (1, 2, True), (2, 2, False)])
@pytest.mark.parametrize("name", ["approvals-by-purpose", "assumption-approval"])
def test_an_approval_counts_at_the_threshold_of_its_role(
    name: str, have: int, needed: int, denied: bool
) -> None:
    known = shipped.rule(name)
    roles = {"legal": types.Approval(have=have, needed=needed)}
    found, _ = judge(known, known.example.fails, approvals=roles)
    assert bool(found) == denied
    assert judge(known, known.example.fails, approvals={})[0]


def test_a_class_that_is_not_listed_goes_to_adequate_countries_alone() -> None:
    known = shipped.rule("cross-border")
    options = {"adequate": ("FR",), "countries": {"demographic": ("US",)}}
    (finding,), _ = judge(known, Fragment(release="regions: [FR, US]"), options)
    assert finding.message == "US: not a country that columns of class phi may go to"
    assert judge(known, Fragment(release="regions: [FR]"), options) == ((), "")
    (finding,), _ = judge(known, Fragment(), {})
    assert finding.message.startswith("US: not a country that columns of class demographic, phi")


def test_a_purpose_that_is_not_listed_has_the_limit_of_the_rest() -> None:
    known = shipped.rule("epsilon-by-purpose")
    options = {"at_most": {"teaching": 2}, "otherwise": Decimal("0.9")}
    (finding,), _ = judge(known, Fragment(), options)
    assert finding.message == "ε 1 is above the 0.9 that purpose vendor-testing may have"
    known = shipped.rule("retention-by-purpose")
    (finding,), _ = judge(known, Fragment(), {"otherwise": 100})
    assert finding.message.endswith("purpose vendor-testing may have 100")


def test_a_combination_within_a_larger_release_is_found() -> None:
    known = shipped.rule("forbidden-combinations")
    options = {"columns": {"one": ("reason", "age_group"), "two": ("reason", "zip")}}
    (finding,), _ = judge(known, Fragment(), options)
    assert finding.message == "columns that are not to be released together: one"


def test_every_term_of_every_country_is_missed() -> None:
    known = shipped.rule("terms-by-country")
    options = {"terms": {"US": ("baa", "dua"), "FR": ("scc",), "DE": ("no-reidentification",)}}
    (finding,), _ = judge(known, Fragment(release="regions: [US, FR, DE]"), options)
    assert finding.message == "US, FR needs terms that are missing: baa, dua, scc"
