"""What a plan says of the second table of a release that has two."""

from __future__ import annotations

from dpgate.gate.workspace import Case
from dpgate.model.joined import JoinedRows
from dpgate.model.values import Frozen, Recorded


class SecondTable(Frozen):
    """The second table of a release that has two."""

    table: str
    row: str
    """What one row of it is."""
    rows_per_person: int
    """The bound, which is enforced."""
    share: Recorded
    """Its part of the release's ρ."""
    context: tuple[str, ...]


def second_table(case: Case) -> SecondTable | None:
    """The second table of a manifest; None where there is one table."""
    joined, spec = case.dataset.spec.joined, case.release.spec.synthesize
    if joined is None or spec is None:
        return None
    made = spec.joined or JoinedRows()
    return SecondTable(
        table=joined.table,
        row=joined.row,
        rows_per_person=joined.max_rows_per_person,
        share=made.share,
        context=made.context,
    )
