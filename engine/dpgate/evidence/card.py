"""The data card: what recipients get to know about a release, as data and as text.

Everything comes from public documents, the claim and classed results; the same input gives the
same bytes. Privacy is stated in numbers alone. `dpgate.evidence.card_text` words it.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from dpgate.errors import EvidenceError
from dpgate.evidence.card_text import markdown
from dpgate.evidence.disclosure import DpResult, Result
from dpgate.evidence.thresholds import Limit, limits_of
from dpgate.model.columns import (
    BooleanColumn,
    DomainColumn,
    IdentifierColumn,
    TextColumn,
    ZipColumn,
)
from dpgate.model.constraints import words
from dpgate.model.dataset import Dataset
from dpgate.model.derive import inputs
from dpgate.model.draw import Draw
from dpgate.model.record import Claim
from dpgate.model.release import Release
from dpgate.model.values import plain
from dpgate.model.waiver import Waiver

VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """What tells a draw from a kept model apart from its release."""

    entry: int
    """Ledger entry that settled the release."""
    draw: Draw


def card(
    release: Release,
    dataset: Dataset,
    claim: Mapping[str, Any],
    results: Sequence[Result],
    *,
    facts: Mapping[str, Any] | None = None,
    policy_delta: Decimal | None = None,
    drawn: Drawn | None = None,
    waivers: Sequence[Waiver] = (),
) -> tuple[bytes, str]:
    """Writes the card of one release.

    Args:
        release: its manifest.
        dataset: the dataset it is made from.
        claim: the fields of `dpgate.model.record.Claim`.
        results: results of its evidence; a restricted one is named, its value is not here.
        facts: what the product says of itself, `queries` of statistics: noisy numbers and public
            ones alone.
        policy_delta: δ at which the claim's `person_epsilon` is stated.
        drawn: for rows that were drawn again from the model that the release kept.
        waivers: what set rules aside for it.

    Returns:
        `card.json` (UTF-8, sorted keys) and the text of `card.md`.

    Raises:
        EvidenceError: the claim is not one, or a result cannot be serialized.

    Privacy:
        Reads no private data. Restricted values cannot reach it: results do not hold them.
    """
    try:
        stated = Claim.model_validate(dict(claim))
    except ValidationError as error:
        fields = ", ".join(sorted({str(item["loc"][0]) for item in error.errors() if item["loc"]}))
        raise EvidenceError(f"the card's claim is wrong or incomplete: {fields}") from None
    content = {
        **_what(release, dataset),
        **(facts or {}),
        "privacy": _privacy(stated, dataset, policy_delta),
        **_shape(release, dataset),
        "evidence": [_evidence(result) for result in results],
        "thresholds": [_threshold(limit) for limit in limits_of(release.spec)],
        **(_drawn(drawn) if drawn else {}),
        **({"waivers": [_waiver(waiver) for waiver in waivers]} if waivers else {}),
    }
    text = json.dumps(content, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    return text.encode(), markdown(content)


def _threshold(limit: Limit) -> dict[str, Any]:
    word = "at_most" if limit.better == "low" else "at_least"
    what = replace(limit.key, metric=limit.key.metric.replace("_", " "))
    return {"what": str(what), word: plain(limit.value)}


def _what(release: Release, dataset: Dataset) -> dict[str, Any]:
    return {
        "version": VERSION,
        "release": f"{dataset.metadata.name}/{release.metadata.name}",
        "title": release.metadata.title or dataset.metadata.title,
        **_made(release),
        "population": dataset.spec.population,
        "owner": release.metadata.owner,
        "steward": dataset.metadata.steward,
        "purpose": release.spec.purpose,
        "recipients": list(release.spec.recipients),
        "regions": list(release.spec.regions),
        "terms": list(release.spec.terms),
        "retain_until": release.spec.retention.expires.isoformat(),
    }


def _made(release: Release) -> dict[str, Any]:
    """Rows and who drew them, or that there are none."""
    spec = release.spec
    if spec.synthesize is None:
        formats = spec.statistics.formats if spec.statistics else ()
        return {"synthetic": False, "formats": list(formats)}
    return {
        "synthetic": True,
        "rows": spec.synthesize.rows,
        "synthesizer": spec.synthesize.with_,
        "formats": list(spec.synthesize.formats),
    }


def _drawn(drawn: Drawn) -> dict[str, Any]:
    """What differs from the release: these take the place of its own rows and formats."""
    draw = drawn.draw
    return {
        "rows": draw.rows,
        "formats": list(draw.formats),
        "drawn_again": {
            "entry": drawn.entry,
            "additional_epsilon": "0",
            "where": [str(condition) for condition in draw.where],
            "balance": str(draw.balance) if draw.balance else None,
            "representative": draw.representative,
        },
    }


def _waiver(waiver: Waiver) -> dict[str, Any]:
    fields = {"rule", "reason", "ticket", "expires"}
    return {"name": waiver.metadata.name, **waiver.spec.model_dump(mode="json", include=fields)}


def _privacy(claim: Claim, dataset: Dataset, policy_delta: Decimal | None) -> dict[str, Any]:
    return {
        **claim.model_dump(mode="json"),
        "person_delta": None if policy_delta is None else plain(policy_delta),
        "row": dataset.spec.unit.row,
        "rows_per_person_source": dataset.spec.unit.source,
        "rows_per_person_enforced": dataset.spec.unit.column is not None,
        **_joined(dataset),
    }


def _joined(dataset: Dataset) -> dict[str, Any]:
    """Rows of a person in the second table, if there is one."""
    joined = dataset.spec.joined
    if joined is None:
        return {}
    return {"joined": {"table": joined.table, "rows_per_person": joined.max_rows_per_person}}


def _shape(release: Release, dataset: Dataset) -> dict[str, Any]:
    """Columns, without the free text that is left out; and what holds in every synthetic row."""
    spec, names = dataset.spec, release.spec.columns
    released = [name for name in names if not isinstance(spec.columns.get(name), TextColumn)]
    kept = spec.kept(names) if release.spec.synthesize else ()
    return {
        "columns": [_column(name, dataset) for name in released],
        "constraints": [words(constraint) for constraint in kept],
    }


def _column(name: str, dataset: Dataset) -> dict[str, Any]:
    form = dataset.spec.derive.get(name)
    if form is not None:
        return {"name": name, "title": form.title, "derived": form.type, "from": list(inputs(form))}
    column = dataset.spec.columns[name]
    if isinstance(column, IdentifierColumn) and column.regenerate is not None:
        rule = column.regenerate if isinstance(column.regenerate, str) else "numbering"
        return {"name": name, "title": column.title, "made_up": rule}
    if not isinstance(column, DomainColumn):
        raise EvidenceError(f"{column.type} column {name} cannot be on a card")
    provenance = column.source.model_dump(mode="json", exclude_none=True)
    return {
        "name": name,
        "title": column.title,
        "type": column.type,
        "sensitivity": column.sensitivity,
        "nullable": column.nullable,
        "domain": _domain(column),
        "provenance": provenance,
    }


def _domain(column: DomainColumn) -> dict[str, Any]:
    if isinstance(column, BooleanColumn):
        return {"values": [False, True]}
    if isinstance(column, ZipColumn):
        return {"values": list(column.prefixes), "digits": column.digits}
    if isinstance(column.domain, tuple):
        return {"values": list(column.domain)}
    bins = column.domain.bins
    return {
        "min": _edge(column.domain.min),
        "max": _edge(column.domain.max),
        "bins": [_edge(edge) for edge in bins] if isinstance(bins, tuple) else bins,
    }


def _edge(edge: Decimal | dt.date) -> str:
    return plain(edge) if isinstance(edge, Decimal) else edge.isoformat()


def _evidence(result: Result) -> dict[str, Any]:
    # Names of events mean nothing to a recipient; the ledger holds them.
    leave_out = {"events"} if isinstance(result, DpResult) else None
    return result.model_dump(mode="json", exclude=leave_out, exclude_none=True)
