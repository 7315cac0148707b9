"""The budget is kept, in both measures; noise is stated before any data is touched."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest

from dpgate.accounting.calibrate import Budget, budget_for
from dpgate.accounting.compose import release_epsilon
from dpgate.accounting.curves import check
from dpgate.errors import StatisticsError
from dpgate.model.event import Event
from dpgate.statistics.plan import margins, plan, shortfalls
from tests.suites import queries
from tests.suites.synthesizers import RELATIONS


@pytest.mark.parametrize("relation", RELATIONS)
@pytest.mark.parametrize("epsilon", ["0.01", "0.7", "1", "17"])
@pytest.mark.parametrize(
    ("noise", "delta"), [("gaussian", "1e-9"), ("laplace", "1e-9"), ("laplace", "0")]
)
def test_a_release_costs_what_it_may_and_hardly_less(
    relation: str, epsilon: str, noise: str, delta: str
) -> None:
    allowed = Decimal(epsilon)
    events = plan(queries.task(relation=relation, noise=noise), budget_for(allowed, Decimal(delta)))
    for event in events:
        check(event)
    alone = release_epsilon(events, Decimal(delta))
    assert alone <= allowed
    # Under zCDP, OpenDP counts a Laplace of ε a little below ε²/2.
    assert alone > allowed * Decimal("0.999" if noise == "gaussian" or delta == "0" else "0.6")
    assert {event.relation for event in events} == {relation}
    assert {event.proof for event in events} == {"opendp"}
    assert events == plan(
        queries.task(relation=relation, noise=noise), budget_for(allowed, Decimal(delta))
    )


def losses(events: tuple[Event, ...]) -> dict[str, Fraction]:
    """ρ or ε by query."""
    total: dict[str, Fraction] = {}
    for event in events:
        query = event.name.split(".")[1]
        total[query] = total.get(query, Fraction(0)) + Fraction(event.loss)
    return total


def test_weights_share_the_budget() -> None:
    spent = losses(plan(queries.task(), Budget("rho", Decimal("0.1"))))
    assert spent["mean_age"] / spent["rows"] == pytest.approx(3, rel=1e-6)
    assert spent["jobs"] / spent["rows"] == pytest.approx(1, rel=1e-6)


def test_gaussian_noise_has_no_pure_epsilon() -> None:
    with pytest.raises(StatisticsError, match="no pure epsilon"):
        plan(queries.task(), Budget("epsilon", Decimal(1)))


@pytest.mark.parametrize("noise", ["gaussian", "laplace"])
def test_margins_shrink_with_the_budget(noise: str) -> None:
    asked = queries.task(noise=noise)
    found = [
        margins(asked, plan(asked, budget_for(Decimal(e), Decimal("1e-9"))))
        for e in ("0.1", "1", "10")
    ]
    for wide, narrow in pairwise(found):
        assert [(m.query, m.what) for m in wide] == [(m.query, m.what) for m in narrow]
        assert all(a.half_width >= b.half_width >= 0 for a, b in zip(wide, narrow, strict=True))
    assert {m.query for m in found[0]} == {query["name"] for query in queries.QUERIES}


def test_an_error_that_the_author_does_not_accept() -> None:
    wanted = [{"name": "rows", "type": "count", "error_at_most": Decimal(5)}]
    asked = queries.task(wanted)
    for epsilon, found in (("0.1", 1), ("10", 0)):
        events = plan(asked, budget_for(Decimal(epsilon), Decimal("1e-9")))
        assert len(list(shortfalls(asked, margins(asked, events)))) == found


def test_noise_that_drowns_everything() -> None:
    """At ε = 0.00003 counts of up to 100,000 rows cannot be told from 0."""
    asked = queries.task()
    events = plan(asked, budget_for(Decimal("0.00003"), Decimal("1e-9")))
    messages = [message for _, message, _ in shortfalls(asked, margins(asked, events))]
    drowned = {message.split(":")[0].removeprefix("query ") for message in messages}
    assert drowned == {query["name"] for query in queries.QUERIES}
    assert all("noise as large as anything" in message for message in messages)


def test_planning_needs_no_numerics() -> None:
    code = "import sys\nimport dpgate.statistics.plan, dpgate.gate.plan\n"
    code += "heavy = {'numpy', 'pandas', 'pyarrow', 'opendp', 'torch'} & set(sys.modules)\nassert not heavy, heavy"
    subprocess.run([sys.executable, "-c", code], check=True)
