"""Whether every value of a domain fits released files; found out before anything is spent."""

from __future__ import annotations

from dpgate.errors import SynthesisError
from dpgate.model.domain import ColumnDomain, Domain


def require_representable(domain: Domain) -> None:
    """Refuses values that no column of a file can hold.

    Raises:
        SynthesisError: names the columns.
    """
    odd = [column.name for column in domain.columns if not _representable(column)]
    if odd:
        raise SynthesisError(
            f"columns with values beyond 64-bit numbers: {', '.join(odd)}",
            fix="give them smaller bounds, or list the values as text",
        )


def _representable(column: ColumnDomain) -> bool:
    whole = all(abs(value) < 2**63 for value in column.values if isinstance(value, int))
    return whole and all(abs(edge) < 10**300 for edge in (*column.lows, *column.highs))
