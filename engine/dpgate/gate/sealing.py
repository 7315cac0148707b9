"""Restricted evidence on its way out: encrypted to stewards, but for the bits that the policy names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from dpgate.evidence import restricted, seal
from dpgate.evidence.disclosure import RestrictedResult
from dpgate.evidence.thresholds import Limit
from dpgate.gate.product import Bench

if TYPE_CHECKING:
    from dpgate.evidence.measures.interface import Figures
    from dpgate.evidence.restricted import Document


def sealed(
    bench: Bench, tables: Mapping[str | None, Document | None], limits: Sequence[Limit]
) -> tuple[RestrictedResult, ...]:
    """Encrypts exact figures, and keeps nothing else of them.

    Args:
        bench: says to whom; nobody: nothing is made.
        tables: the document of each table, None where it has none.
        limits: the manifest's thresholds.

    Returns:
        The ciphertext's digest and size, once for the document, and once for each threshold that is
        judged without noise, with its one bit.

    Privacy:
        The bits are unprotected; the manifest's claim counts them, and a policy must name their metrics.
    """
    found = {name: document for name, document in tables.items() if document is not None}
    if not bench.recipients or not found:
        return ()
    closed = seal.seal(restricted.encoded(found), bench.recipients)
    bench.run.sealed.write_bytes(closed.ciphertext)
    whole = closed.result(restricted.METRIC)
    return (whole, *_bits(whole, found, limits))


def _bits(
    whole: RestrictedResult, found: Mapping[str | None, Document], limits: Sequence[Limit]
) -> Iterator[RestrictedResult]:
    for document in found.values():
        for key, figures in document.figures.items():
            limit = next(each for each in limits if each.key == key)
            passed = met(limit, figures)
            named = {"metric": key.metric, "about": key.about, "passed": passed}
            yield whole.model_copy(update=named)


def met(limit: Limit, figures: Figures) -> bool:
    """Whether an exact figure meets a threshold: private where the figure is."""
    value, bound = figures.main.value, limit.value
    return value <= bound if limit.better == "low" else value >= bound
