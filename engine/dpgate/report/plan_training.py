"""What a plan says of a training, in lines that text and Markdown share."""

from __future__ import annotations

from collections.abc import Iterator

from dpgate.gate.results import PlanResult
from dpgate.model.values import short
from dpgate.report.words import shown


def training_lines(result: PlanResult) -> Iterator[str]:
    """The numbers of a training, and what another accountant says of it, for information."""
    if result.training:
        yield f"training: {result.training}"
    if (other := result.tighter) is not None:
        without = f"; without {', '.join(other.left_out)}, which it cannot compose"
        yield (
            f"for information, charged nowhere: ε {shown(other.epsilon)} at δ={short(result.release_delta)} by "
            f"another accountant ({other.accountant}), of {', '.join(other.events)}"
            f"{without if other.left_out else ''}; as charged, by Rényi orders, these are ε {shown(other.charged)}"
        )
