"""Exact figures, for stewards alone.

No noise protects these numbers. The document goes from here straight into
`dpgate.evidence.seal.seal`; a record holds its metric, the ciphertext's digest and a padded size, and
at most one bit for each threshold that the policy lets gate without noise.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dpgate.evidence.measures.interface import Figure, Figures, Measure
from dpgate.evidence.measures.marginal_tvd import MarginalDistance, compared
from dpgate.evidence.measures.run import as_number, exactly
from dpgate.model.values import Key

if TYPE_CHECKING:
    from dpgate.evidence.exact.interface import Exact
    from dpgate.evidence.measures.subject import Subject

METRIC = "exact_figures"
VERSION = 2


@dataclass(frozen=True, kw_only=True)
class Document:
    """Exact figures of one table; private.

    Attributes:
        content: as JSON values. Every number has nine decimal places, so that the length of the
            document follows from public columns, but for names of subgroups that were too small.
        figures: of the thresholds that are judged without noise.
    """

    content: Mapping[str, Any]
    figures: Mapping[Key, Figures]


def document(measures: Sequence[Measure], exacts: Sequence[Exact], subject: Subject) -> Document:
    """Every measure without noise, every marginal's distance, and what has no noisy form.

    Args:
        measures: those that were measured with noise.
        exacts: those that never are.
        subject: what is looked at.

    Privacy:
        Restricted: exact private values. Never write, print or log the return value.
    """
    orders = sorted({m.order for m in measures if isinstance(m, MarginalDistance)})
    found = [(measure.key, figures) for measure, figures in exactly(measures, subject)]
    restricted = {exact.key: exact.measure(subject) for exact in exacts}
    content = {
        "marginals": [entry for order in orders for entry in _marginals(order, subject)],
        "measures": [_entry(key, figures) for key, figures in (*found, *restricted.items())],
    }
    return Document(content=content, figures=restricted)


def encoded(tables: Mapping[str | None, Document]) -> bytes:
    """The documents of a release's tables as one, to be sealed."""
    named = {name: document.content for name, document in tables.items()}
    body: Mapping[str, Any] = named.get(None) or {"tables": named}
    whole = {"class": "restricted", "metric": METRIC, "version": VERSION, **body}
    return json.dumps(whole, ensure_ascii=True, sort_keys=True).encode()


def _entry(key: Key, figures: Figures) -> dict[str, Any]:
    named = {"metric": key.metric, "order": key.order, "about": key.about}
    stated = {name: value for name, value in named.items() if value is not None}
    parts = [{"label": part.label, **_value(part)} for part in figures.parts]
    return {**stated, **_value(figures.main), **({"parts": parts} if parts else {})}


def _value(figure: Figure) -> dict[str, str]:
    return {"value": as_number(figure.value)}


def _marginals(order: int, subject: Subject) -> list[dict[str, Any]]:
    """Total variation ½‖x/n − p‖₁ of each marginal; 1 where the source is empty."""
    from dpgate.evidence.marginals import marginals

    domain, entries = subject.task.domain, []
    released_rows = subject.released.num_rows
    cliques = marginals(domain, order)
    for clique, counts, released in compared(
        subject.source, subject.counts, cliques, subject.progress
    ):
        rows = int(counts.sum())
        apart = float(abs(counts / max(1, rows) - released / released_rows).sum()) / 2
        value = min(apart, 1.0) if rows else 1.0
        columns = [domain.names[column] for column in clique]
        entries.append({"columns": columns, "tvd": f"{value:.9f}"})
    return entries
