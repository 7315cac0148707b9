"""Events and random ledgers that the accounting tests share."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import cast

from dpgate.accounting.curves import loss_of
from dpgate.model.event import Event, Mechanism
from dpgate.model.values import Relation


def event(
    mechanism: Mechanism,
    *,
    scale: str,
    sensitivity_squared: str = "1",
    times: int = 1,
    rate: str | None = None,
    relation: Relation = "add-remove",
    loss: Decimal | None = None,
    delta0: str = "0",
) -> Event:
    """An event that records exactly what it costs, unless `loss` says otherwise."""
    squared = Decimal(sensitivity_squared)
    needed = loss_of(mechanism, sensitivity_squared=squared, scale=Decimal(scale), times=times)
    return Event(
        name=f"test.{mechanism.replace('-', '_')}",
        mechanism=mechanism,
        relation=relation,
        sensitivity_squared=squared,
        scale=Decimal(scale),
        sampling_rate=None if rate is None else Decimal(rate),
        times=times,
        loss=needed if loss is None else loss,
        delta0=Decimal(delta0),
        proof="opendp" if rate is None else "real-arithmetic",
    )


def ledger(seed: int) -> list[Event]:
    """Up to eight events of every kind of loss, from a public seed."""
    draw = random.Random(seed)
    made = []
    for _ in range(draw.randint(1, 8)):
        times = draw.choice((1, 1, 2, 13, 91))
        squared = str(draw.choice((1, 2, 4)))
        kind = draw.choice(("gaussian", "noisy-max", "laplace", "sampled", "adaptive-gaussian"))
        if kind == "sampled":
            rate, scale = f"{draw.uniform(0.001, 0.2):.4f}", f"{draw.uniform(0.8, 4):.3f}"
            made.append(event("sampled-gaussian", scale=scale, rate=rate, times=times))
        elif kind == "laplace":
            scale = f"{draw.uniform(0.5, 80):.3f}"
            made.append(event("laplace", scale=scale, times=times, sensitivity_squared=squared))
        else:
            scale = f"{draw.uniform(2, 200):.3f}"
            mechanism: Mechanism = cast("Mechanism", kind)
            made.append(event(mechanism, scale=scale, times=times, sensitivity_squared=squared))
    return made
