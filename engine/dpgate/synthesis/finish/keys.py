"""Values of ordered columns as machine numbers that compare alike, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from dpgate.model.domain import ColumnDomain
from dpgate.synthesis.sampling.decode import decimals, kind_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Keys = NDArray[Any]
    Flags = NDArray[np.bool_]

_MICROS = {"s": 10**6, "ms": 10**3, "us": 1}


@dataclass
class Keyed:
    """One column while its rows change.

    Attributes:
        domain: its public description.
        keys: int64, or float64 for `number`; those of missing values mean nothing.
        missing: which values are.
    """

    domain: ColumnDomain
    keys: Keys
    missing: Flags

    @classmethod
    def of(cls, values: pa.Array, domain: ColumnDomain) -> Keyed:
        """A column to change; the given one stays as it is."""
        return cls(domain, keys(values), np.array(values.is_null().to_numpy(zero_copy_only=False)))

    def array(self, rows: NDArray[np.int64] | slice = slice(None)) -> pa.Array:
        """The values of some rows."""
        chosen, missing = self.keys[rows], self.missing[rows]
        kind = kind_of(self.domain)
        if self.domain.kind == "decimal":
            return decimals(chosen, kind, missing)
        stored = chosen.astype(np.int32) if self.domain.kind == "date" else chosen
        return pa.array(stored, kind, mask=missing)

    def limits(self) -> tuple[Any, Any]:
        """Lowest and highest key of the domain."""
        low, high = self.domain.lows[0], self.domain.highs[-1]
        if self.domain.kind == "decimal":
            unit = 10**self.domain.decimals
            return round(low * unit), round(high * unit)
        if self.domain.kind == "timestamp":
            factor = self.domain.micros // _MICROS[kind_of(self.domain).unit]
            return low * factor, high * factor
        return low, high


def keys(values: pa.Array) -> Keys:
    """The keys of values as they are released."""
    kind = values.type
    if pa.types.is_decimal(kind):
        words = np.frombuffer(values.buffers()[1], dtype=np.int64).reshape(-1, 2)
        return words[values.offset : values.offset + len(values), 0].copy()
    if pa.types.is_date(kind):
        values = values.cast(pa.int32())
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        values = values.cast(pa.int64())
    return np.array(values.fill_null(0).to_numpy(zero_copy_only=False))
