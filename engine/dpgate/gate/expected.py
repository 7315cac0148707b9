"""What `check` says of a manifest that trains a network: its cost and its numbers, without a ledger."""

from __future__ import annotations

from dpgate.accounting.compose import release_epsilon
from dpgate.errors import DpgateError
from dpgate.gate.check import placed
from dpgate.gate.costing import planned_events, product_of
from dpgate.gate.product import Shortfall
from dpgate.gate.synthetic import Synthetic
from dpgate.gate.workspace import Case
from dpgate.model.finding import Finding
from dpgate.model.values import plain, short


def expected(case: Case) -> tuple[tuple[str, ...], tuple[Finding, ...]]:
    """A line of numbers, and findings; what cannot be planned is a denial that says why.

    Args:
        case: a manifest that trains, which no rule denies.
    """
    try:
        events, product = planned_events(case), product_of(case)
    except DpgateError as error:
        failed = Shortfall(
            rule="planning",
            message=error.message,
            fix=error.fix,
            path=("synthesize", "with"),
        )
        return (), placed(case, (failed,))
    if not isinstance(product, Synthetic):
        return (), ()
    delta = case.release.spec.privacy.delta
    spent = plain(release_epsilon(events, delta))
    line = f"{case.name}: ε {spent} at δ={short(delta)}; {product.training(events)}"
    return (line,), placed(case, product.shortfalls(events))
