"""The facts that follow from a manifest, its dataset and the day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache

from dpgate.model import columns as model
from dpgate.model import dataset as datasets
from dpgate.model import release as releases
from dpgate.model import utility
from dpgate.model.statistics import Statistics, grouping, target
from dpgate.policy.cel.types import Attack, Clock, Column, Dataset, Query, Release, Threshold
from dpgate.policy.facts import facts_of


def of_documents(
    dataset: datasets.Dataset, release: releases.Release, today: dt.date
) -> Mapping[str, object]:
    """What `check` knows of a release, by root."""
    return {
        "release": of_release(release, today),
        "dataset": of_dataset(dataset, release),
        "clock": of_day(today),
    }


def of_release(release: releases.Release, today: dt.date) -> Release:
    """The facts of a manifest."""
    spec, made = release.spec, release.spec.synthesize
    statistics, increment = spec.statistics, spec.increment
    formats = made.formats if made else statistics.formats if statistics else ()
    return Release(
        name=f"{spec.dataset}/{release.metadata.name}",
        dataset=spec.dataset,
        title=release.metadata.title or "",
        owner=release.metadata.owner,
        type=spec.type,
        purpose=spec.purpose,
        recipients=spec.recipients,
        regions=spec.regions,
        columns=spec.columns,
        synthesizer=made.with_ if made else "",
        rows=made.rows if made else 0,
        formats=tuple(str(each) for each in formats),
        keep_model=made.keep_model if made else False,
        epsilon=spec.privacy.epsilon,
        delta=spec.privacy.delta,
        evidence_share=spec.privacy.evidence_share,
        terms=spec.terms,
        expires=str(spec.retention.expires),
        retention_days=(spec.retention.expires - today).days,
        increment_of=increment.of if increment else "",
        period=increment.period if increment else "",
        utility=tuple(map(_threshold, spec.utility)),
        attacks=tuple(
            Attack(name=each.attack, advantage_at_most=each.advantage_at_most)
            for each in spec.attacks
        ),
        adversary=spec.threat_model.adversary if spec.threat_model else "",
        knows=spec.threat_model.knows if spec.threat_model else (),
        fears=spec.threat_model.fears if spec.threat_model else (),
        unprotected_bits=spec.unprotected_bits,
        queries=_queries(statistics) if statistics else (),
    )


def _threshold(each: utility.Threshold) -> Threshold:
    low = each.better == "low"
    return Threshold(
        metric=each.metric,
        about=each.about or "",
        order=each.key.order or 0,
        at_most=each.limit if low else Decimal(0),
        at_least=Decimal(0) if low else each.limit,
    )


def _queries(statistics: Statistics) -> tuple[Query, ...]:
    return tuple(
        Query(
            name=query.name,
            type=query.type,
            of=target(query) or "",
            by=grouping(query),
            noise=statistics.noise_of(query),
        )
        for query in statistics.queries
    )


def of_dataset(dataset: datasets.Dataset, release: releases.Release) -> Dataset:
    """The facts of a dataset, with those columns that a manifest releases."""
    spec = dataset.spec
    known = {name: of_column(name, column) for name, column in spec.columns.items()}
    named = release.spec.columns
    facts = facts_of(dataset, release)
    return Dataset(
        name=dataset.metadata.name,
        title=dataset.metadata.title or "",
        steward=dataset.metadata.steward,
        population=spec.population,
        populations=facts.populations,
        neighboring=spec.neighboring,
        rows_at_most=spec.rows.at_most,
        row=spec.unit.row,
        unit_column=spec.unit.column or "",
        max_rows_per_person=spec.unit.max_rows_per_person,
        protects=spec.unit.protected,
        columns=tuple(known[name] for name in named if name in known),
        all_columns=tuple(known.values()),
        derived=tuple(name for name in named if name in spec.derive),
        sensitivities=facts.sensitivities,
        quasi_identifiers=facts.quasi_identifiers,
        groups=facts.groups,
    )


def of_column(name: str, column: model.Column) -> Column:
    """The facts of a column."""
    learned = column if isinstance(column, model.DomainColumn) else None
    return Column(
        name=name,
        type=column.type,
        sensitivity=column.sensitivity,
        quasi_identifier=learned.quasi_identifier if learned else False,
        identifier=isinstance(column, model.IdentifierColumn),
        free_text=isinstance(column, model.TextColumn),
        groups=learned.groups if learned else (),
        nullable=learned.nullable if learned else False,
        provenance=learned.source.kind if learned else "",
    )


@lru_cache(maxsize=64)
def of_day(today: dt.date) -> Clock:
    """The facts of a day."""
    return Clock(
        today=str(today),
        year=today.year,
        quarter=(today.month + 2) // 3,
        month=today.month,
        weekday=today.isoweekday(),
    )
