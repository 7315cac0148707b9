"""Members of a health plan and their claims: two tables, joined by a key, and made-up data of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dpgate.loading.documents import load
from dpgate.model.dataset import Dataset
from tests.team import DATASET, MANIFEST, Team

COLUMNS = ("member", "age", "plan", "region", "joined_on", "claim", "service", "cost", "paid",
           "billed_on", "settled_on", "share_left", "waited")  # fmt: skip
"""As the release lists them."""

AT_MOST = 6
"""Claims of one member that count."""

SERVICES = ("visit", "drug", "test", "stay")
CHANCES = {"young": (0.6, 0.2, 0.15, 0.05), "middle": (0.4, 0.3, 0.2, 0.1),
           "old": (0.15, 0.4, 0.2, 0.25)}  # fmt: skip
"""Of each service, by the member's age."""
MEANS = {"basic": 0.8, "silver": 1.6, "gold": 2.8}
"""Claims of a member, before any are left out, by plan."""

DOCUMENT = """
apiVersion: dpgate/v1
kind: Dataset
metadata: {name: clinic-visits, title: Members and their claims, steward: analytics}
spec:
  population: clinic-patients
  neighboring: add-remove
  unit: {row: member, max_rows_per_person: 1, column: member, source: one row a member}
  rows: {at_most: 20000}
  columns:
    member: {type: identifier, sensitivity: demographic, regenerate: {prefix: M-, digits: 6}}
    age: {type: ordinal, sensitivity: demographic, domain: [young, middle, old], quasi_identifier: true,
      source: {public_codebook: plan rules}}
    plan: {type: category, sensitivity: demographic, domain: [basic, silver, gold],
      source: {public_codebook: plan rules}}
    region: {type: category, sensitivity: demographic, domain: [north, south], other: south,
      source: {public_codebook: plan rules}}
    joined_on: {type: date, sensitivity: demographic, source: {public_codebook: plan rules},
      domain: {min: 2020-01-01, max: 2022-12-31, bins: quarter}}
    claim: {type: identifier, sensitivity: phi, regenerate: sequence}
    service: {type: category, sensitivity: phi, domain: [visit, drug, test, stay], other: visit,
      source: {public_codebook: fee schedule}}
    cost: {type: decimal, sensitivity: phi, domain: {min: 0, max: 5000, bins: 12},
      source: {public_codebook: fee schedule}}
    paid: {type: decimal, sensitivity: phi, domain: {min: 0, max: 5000, bins: 12},
      source: {public_codebook: fee schedule}}
    billed_on: {type: date, sensitivity: phi, source: {public_codebook: fee schedule},
      domain: {min: 2023-01-01, max: 2023-12-31, bins: month}}
    settled_on: {type: date, sensitivity: phi, source: {public_codebook: fee schedule},
      domain: {min: 2023-01-01, max: 2024-03-31, bins: month}}
  derive:
    share_left: {type: difference, of: [cost, paid]}
    waited: {type: difference, of: [billed_on, joined_on], in: days}
  constraints:
    - cost >= paid
    - settled_on >= billed_on
  joined:
    table: claims
    row: claim
    columns: [claim, service, cost, paid, billed_on, settled_on, share_left, waited]
    max_rows_per_person: 6
    source: plan rules
"""

RELEASE_DOCUMENT = """
apiVersion: dpgate/v1
kind: Release
metadata: {name: vendor-testing, owner: analytics}
spec:
  dataset: clinic-visits
  purpose: vendor-testing
  recipients: [acme-analytics]
  regions: [US]
  columns: [COLUMNS]
  synthesize:
    with: mst
    rows: 3000
    formats: [parquet, csv]
    joined: {context: [age, plan], share: 0.6}
  privacy: {epsilon: 1.0, delta: 1e-9, evidence_share: 0.1}
  utility:
    - {metric: marginal_tvd, order: 2, at_most: 0.9, table: persons}
    - {metric: marginal_tvd, order: 1, at_most: 0.9, table: claims}
  retention: {expires: EXPIRES}
  terms: [no-reidentification, no-onward-transfer]
""".replace("COLUMNS", ", ".join(COLUMNS))


def dataset(**joined: Any) -> Dataset:
    """The Dataset document; keys of `joined` can be replaced."""
    loaded = load("dataset.yaml", DOCUMENT.encode()).document
    assert isinstance(loaded, Dataset)
    plain = loaded.model_dump(mode="python", by_alias=True)
    plain["spec"]["joined"] |= joined
    return Dataset.model_validate(plain)


def people(count: int = 3000, seed: int = 5) -> dict[str, list[Any]]:
    """Columns of the persons."""
    draw = np.random.default_rng(seed)
    return {
        "member": [f"m{number}" for number in range(count)],
        "age": draw.choice(list(CHANCES), count, p=[0.3, 0.4, 0.3]).tolist(),
        "plan": draw.choice(list(MEANS), count, p=[0.5, 0.3, 0.2]).tolist(),
        "region": draw.choice(["north", "south"], count).tolist(),
        "joined_on": (np.datetime64("2020-01-01") + draw.integers(0, 1096, count)).tolist(),
    }


def claims(members: dict[str, list[Any]], seed: int = 6) -> dict[str, list[Any]]:
    """Columns of their claims: how many by plan, which services by age."""
    draw = np.random.default_rng(seed)
    means = [MEANS[plan] for plan in members["plan"]]
    owner = np.repeat(np.arange(len(means)), draw.poisson(means))
    cost = draw.integers(0, 500_000, len(owner)) / 100
    billed = np.datetime64("2023-01-01") + draw.integers(0, 365, len(owner))
    return {
        "member": [members["member"][number] for number in owner],
        "service": [draw.choice(SERVICES, p=CHANCES[members["age"][n]]) for n in owner],
        "cost": cost.tolist(),
        "paid": (cost * draw.random(len(owner))).tolist(),
        "billed_on": billed.tolist(),
        "settled_on": (billed + draw.integers(0, 90, len(owner))).tolist(),
    }


def write(folder: Path, members: dict[str, list[Any]], owned: dict[str, list[Any]]) -> Path:
    """Both tables as Parquet files of a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, columns in (("persons", members), ("claims", owned)):
        pq.write_table(pa.table(columns), folder / f"{name}.parquet")
    return folder


def describe(team: Team, changes: Mapping[str, str] = MappingProxyType({})) -> None:
    """Documents of two tables in place of the template's."""
    expires = re.search("expires: (.*)}", (team.clone / MANIFEST).read_text())
    assert expires is not None
    manifest = RELEASE_DOCUMENT.replace("EXPIRES", expires[1])
    for old, new in changes.items():
        assert old in manifest, old
        manifest = manifest.replace(old, new)
    team.write(DATASET, DOCUMENT)
    team.write(MANIFEST, manifest)
    team.commit("Members and claims")


def put(team: Team) -> None:
    """Data of both in place of the template's."""
    made = people()
    write(team.data.parent, made, claims(made))
    team.data.unlink(missing_ok=True)
