"""What a window has spent, against a calendar: any time zone, over changes of the clock."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from dpgate.accounting import compose
from dpgate.accounting.filter import Spend, epsilon
from dpgate.model.policy import Limit, Population, PrivacyPolicy, Quota
from dpgate.model.record import Facts
from dpgate.policy.scopes import Scope, Tally, scopes
from dpgate.policy.windows import hour_of
from tests.suites.ledgers import ledger
from tests.unit.policy.worlds import policy

ORDERS = (4, 8)
# Half and quarter hours, changes of the clock at midnight of a first of the month, across the date line.
ZONES = (
    "UTC", "America/New_York", "Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu", "Pacific/Apia",
    "Australia/Lord_Howe", "America/St_Johns", "America/Havana", "America/Asuncion",
    "Pacific/Chatham", "Africa/Casablanca", "Asia/Beirut", "Pacific/Kiritimati",
)  # fmt: skip
PEOPLE = ("adults", "children")
EPSILON = Decimal(3)
DELTA = Decimal("1e-6")

SELECTORS = st.sampled_from(
    [{}, {"purpose": "*"}, {"purpose": "research"}, {"recipient": "*"}, {"recipient": "acme"},
     {"sensitivity": "phi"}, {"group": "*"}, {"type": "synthetic"}]
)  # fmt: skip
SPANS = st.one_of(
    st.sampled_from([{"every": "month"}, {"every": "quarter"}, {"every": "year"}]),
    st.integers(1, 400).map(lambda days: {"rolling_days": days}),
    st.just({"lifetime": True}),
)
QUOTAS = st.builds(lambda what, span: Quota(**what, **span, epsilon=EPSILON), SELECTORS, SPANS)

EDGES = st.sampled_from(
    [dt.datetime(2026, month, 1, tzinfo=dt.UTC) for month in range(1, 13)]
    + [dt.datetime(2026, 3, 29, 1, tzinfo=dt.UTC), dt.datetime(2023, 10, 1, 4, tzinfo=dt.UTC)]
)
MOMENTS = st.one_of(
    st.builds(lambda edge, hours: edge + dt.timedelta(hours=hours), EDGES, st.integers(-30, 30)),
    st.datetimes(dt.datetime(2023, 1, 1), dt.datetime(2028, 1, 1), timezones=st.just(dt.UTC)),  # noqa: DTZ001 - bounds are naive by hypothesis's rule
)
FACTS = st.builds(
    Facts,
    populations=st.lists(st.sampled_from(PEOPLE), min_size=1, unique=True).map(tuple),
    type=st.just("synthetic"),
    purpose=st.sampled_from(("research", "teaching")),
    recipients=st.lists(st.sampled_from(("acme", "zeta")), min_size=1, unique=True).map(tuple),
    sensitivities=st.lists(st.sampled_from(("phi", "low")), unique=True).map(tuple),
    groups=st.lists(st.sampled_from(("mental", "genes")), unique=True).map(tuple),
    regions=st.just(("US",)),
    columns=st.just(()),
    quasi_identifiers=st.just(()),
)
AMOUNTS = st.decimals("0.000000001", "3", places=9)
PASTS = st.lists(st.tuples(MOMENTS, FACTS, AMOUNTS), min_size=1, max_size=14)


def policy_with(zone: str, quotas: list[Quota]) -> PrivacyPolicy:
    base = policy()
    population = Population(
        neighboring="add-remove", lifetime=Limit(epsilon=EPSILON), quotas=tuple(quotas)
    )
    spec = base.spec.model_copy(
        update={"timezone": zone, "populations": dict.fromkeys(PEOPLE, population)}
    )
    return base.model_copy(update={"spec": spec})


def within(window: str, then: dt.datetime, now: dt.datetime, zone: ZoneInfo) -> bool:
    """Whether two moments share a window, by looking at a calendar on the wall."""
    a, b = then.astimezone(zone), now.astimezone(zone)
    if window == "lifetime":
        return True
    if window.endswith("-days"):
        return now - then < dt.timedelta(days=int(window.removesuffix("-days")))
    if "Q" in window:
        return (a.year, (a.month - 1) // 3) == (b.year, (b.month - 1) // 3)
    return (a.year, a.month) == (b.year, b.month) if "-" in window else a.year == b.year


def concerns(scope: Scope, facts: Facts) -> bool:
    what, value = scope.selector
    named = {
        "all": ("*",), "type": (facts.type,), "purpose": (facts.purpose,),
        "recipient": facts.recipients, "sensitivity": facts.sensitivities, "group": facts.groups,
    }  # fmt: skip
    return scope.population in facts.populations and value in named[what]


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(ZONES), st.lists(QUOTAS, max_size=5), PASTS)
def test_every_window_has_spent_what_the_calendar_says(
    zone: str, quotas: list[Quota], past: list[tuple[dt.datetime, Facts, Decimal]]
) -> None:
    made, place = policy_with(zone, quotas), ZoneInfo(zone)
    tally = Tally(ORDERS)
    done: list[tuple[dt.datetime, Facts, Spend]] = []
    for moment, facts, amount in sorted(past, key=lambda item: item[0]):
        hour = moment.replace(minute=0, second=0, microsecond=0)
        spend = Spend({4: amount, 8: 2 * amount}, amount / 10**12)
        done.append((hour, facts, spend))
        tally.add(facts, hour_of(moment), spend)
        found = scopes(made, facts, hour_of(moment), None)
        lifetimes = [scope.key for scope in found if scope.window.name == "lifetime"]
        assert {f"{name}/all=*/lifetime" for name in facts.populations} <= set(lifetimes)
        for scope in found:
            naive = Spend.zero(ORDERS)
            for then, about, spent in done:
                if concerns(scope, about) and within(scope.window.name, then, hour, place):
                    naive += spent
            assert tally.spent(scope) == naive, scope.key


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(ZONES), MOMENTS, FACTS, st.lists(QUOTAS, min_size=1, max_size=5))
def test_a_scope_has_one_name_and_its_limit_is_the_lowest(
    zone: str, moment: dt.datetime, facts: Facts, quotas: list[Quota]
) -> None:
    tight = [quota.model_copy(update={"epsilon": EPSILON / 2}) for quota in quotas]
    one, both = (
        scopes(policy_with(zone, given), facts, hour_of(moment), None)
        for given in (tight, quotas + tight)
    )
    assert [(s.key, s.limit) for s in one] == [(s.key, s.limit) for s in both]
    assert len({s.key for s in both}) == len(both)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_a_lifetime_grows_with_every_reservation_and_forgets_their_order(
    seeds: list[int], draw: random.Random
) -> None:
    """Sums, ε and OpenDP's composition: the same in any order, and never less with one more."""
    facts = Facts(
        populations=("adults",), type="synthetic", purpose="research", recipients=("acme",),
        sensitivities=(), groups=(),
        regions=("US",), columns=(), quasi_identifiers=(),
    )  # fmt: skip
    hour = "2026-11-22T18:00:00Z"
    scope = next(iter(scopes(policy_with("UTC", []), facts, hour, None)))
    batches = [tuple(ledger(seed)) for seed in seeds]
    seen: list[tuple[Decimal, Spend]] = []
    for _ in range(2):
        tally, last = Tally(ORDERS), Decimal(0)
        for events in batches:
            tally.add(facts, hour, Spend.of(events, ORDERS))
            now = epsilon(tally.spent(scope), DELTA)
            assert now >= last
            last = now
        seen.append((last, tally.spent(scope)))
        composed = compose.recompose([e for events in batches for e in events], ORDERS)
        for order, value in tally.spent(scope).orders.items():
            assert abs(Decimal(composed[order]) - value) <= value * Decimal("1e-9")
        draw.shuffle(batches)
    assert seen[0] == seen[1]
