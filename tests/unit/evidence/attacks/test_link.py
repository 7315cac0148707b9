"""Linkage and density on rows that are all different, where copies must show."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

import numpy as np
import pyarrow as pa

from dpgate.evidence.measures.run import exactly
from dpgate.evidence.measures.subject import Subject
from dpgate.model.domain import ColumnDomain, Domain
from dpgate.sources.arrow import table_source
from tests.unit.evidence.attacks.stage import attacks, scene
from tests.unit.evidence.worlds import quiet, task

if TYPE_CHECKING:
    from dpgate.sources.interface import RowSource

NAMES = tuple("abcdefgh")
DOMAIN = Domain(
    columns=tuple(ColumnDomain(name=n, kind="whole", values=tuple(range(12))) for n in NAMES)
)
COINS = np.random.default_rng()


def made(count: int) -> pa.Table:
    return pa.table({name: COINS.integers(0, 12, count) for name in NAMES})


def subject(members: pa.Table, holdout: pa.Table, released: pa.Table) -> Subject:
    return Subject(
        task=task(domain=DOMAIN),
        released=released,
        total=members.num_rows,
        source=table_source(members, DOMAIN),
        progress=quiet,
        holdout=cast("RowSource", table_source(holdout, DOMAIN)),
    )


def test_copies_of_rows_that_are_all_different_are_found_by_every_attack_on_whole_rows() -> None:
    members, holdout = made(1_500), made(1_500)
    given = replace(scene(), domain=DOMAIN)
    knowing = replace(given, threat_model=scene(knows=NAMES).threat_model)
    names = ("membership", "membership_density", "copies", "linkage", "singling_out")
    found = attacks(knowing)
    for _, figures in exactly([found[n] for n in names], subject(members, holdout, members)):
        assert figures.main.low > 0.8
    for _, figures in exactly([found[n] for n in names], subject(members, holdout, made(1_500))):
        assert figures.main.low < 0.02
        assert figures.main.high < 0.15
