"""Hospital stays: every kind of column in one dataset, and made-up private rows of it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa

from dpgate.loading.documents import load
from dpgate.model.dataset import Dataset

CODES = [f"{letter}{number:02}.{digit}" for letter in "ABCDEFGHIJ" for number in range(100)
         for digit in range(10)]  # fmt: skip
"""10,000 codes that look like those of diagnoses."""

WARDS = {"cardiology": "main", "oncology": "main", "surgery": "main", "pediatrics": "annex",
         "geriatrics": "annex", "emergency": "gate"}  # fmt: skip
"""Building of each ward."""

NOTE = "patient reports zanzibar-fever"
"""In every note of the private data; never in an output."""

COLUMNS = ("patient", "admitted", "discharged", "zip", "diagnosis", "ward", "building", "cost",
           "died", "died_on", "readmitted", "notes", "days", "year", "season", "chapter", "area")  # fmt: skip
"""As a release lists them."""

_DATASET = """
apiVersion: dpgate/v1
kind: Dataset
metadata: {{name: stays, steward: tests}}
spec:
  population: patients
  neighboring: add-remove
  unit: {{row: stay, max_rows_per_person: 1, source: made up}}
  rows: {{at_most: 100000}}
  columns:
    patient: {{type: identifier, sensitivity: direct, regenerate: {{prefix: P-, digits: 6}}}}
    notes: {{type: text, sensitivity: direct}}
    admitted: {{type: timestamp, sensitivity: plain, source: {{public_codebook: made up}},
      domain: {{min: 2018-01-01, max: 2020-12-31, bins: month, precision: minute}}}}
    discharged: {{type: timestamp, sensitivity: plain, source: {{public_codebook: made up}},
      domain: {{min: 2018-01-01, max: 2021-01-31, bins: month, precision: minute}}}}
    zip: {{type: zip, sensitivity: plain, source: {{public_codebook: made up}},
      domain: ["021", "022", "100", "902"], other: "100", nullable: true}}
    diagnosis: {{type: category, sensitivity: plain, source: {{public_codebook: made up}},
      domain: [{codes}], other: J99.9}}
    ward: {{type: category, sensitivity: plain, source: {{public_codebook: made up}},
      domain: [{wards}]}}
    building: {{type: category, sensitivity: plain, source: {{public_codebook: made up}},
      domain: [main, annex, gate]}}
    cost: {{type: decimal, sensitivity: plain, source: {{public_codebook: made up}},
      domain: {{min: 0, max: 1000000, bins: log, within: log}}}}
    died: {{type: boolean, sensitivity: plain, source: {{public_codebook: made up}}}}
    died_on: {{type: date, sensitivity: plain, source: {{public_codebook: made up}}, nullable: true,
      domain: {{min: 2018-01-01, max: 2021-01-31, bins: month}}}}
    readmitted: {{type: integer, sensitivity: plain, source: {{public_codebook: made up}},
      domain: {{min: 0, max: 20, bins: each}}}}
  derive:
    days: {{type: difference, of: [discharged, admitted], in: days}}
    year: {{type: part, of: admitted, part: year}}
    season: {{type: cut, of: admitted, at: [2020-03-01], labels: [before, after]}}
    chapter: {{type: prefix, of: diagnosis, characters: 1}}
    area: {{type: prefix, of: zip, characters: 3}}
  constraints:
    - discharged >= admitted
    - {{type: missing, column: died_on, when: {{died: false}}}}
    - {{type: follows, column: building, of: ward, source: {{public_codebook: made up}},
      table: {{{table}}}}}
"""


def document() -> str:
    """The Dataset document."""
    table = ", ".join(f"{ward}: {building}" for ward, building in WARDS.items())
    return _DATASET.format(codes=", ".join(CODES), wards=", ".join(WARDS), table=table)


def dataset() -> Dataset:
    """The public description."""
    made = load("dataset.yaml", document().encode()).document
    assert isinstance(made, Dataset)
    return made


def table(rows: int, seed: int = 11) -> pa.Table:
    """Private rows that satisfy the constraints, the same for the same arguments."""
    rng = np.random.default_rng(seed)
    start = np.datetime64("2018-01-01T00:00", "m")
    admitted = start + rng.integers(0, 3 * 365 * 1440 - 1, rows).astype("timedelta64[m]")
    length = np.minimum(rng.lognormal(7.5, 1.2, rows), 40_000).astype("timedelta64[m]")
    discharged = np.minimum(admitted + length, np.datetime64("2021-01-31T23:59", "m"))
    died = rng.random(rows) < 0.06
    codes = np.minimum((rng.pareto(0.7, rows) * 20).astype(int), len(CODES) - 1)
    cost = np.minimum(rng.lognormal(8 + length.astype(int) / 9_000, 1.0, rows), 999_999)
    zips = np.array(["02139", "02215", "10001", "90210"])[
        rng.choice(4, rows, p=[0.4, 0.3, 0.2, 0.1])
    ]
    wards = rng.choice(list(WARDS), rows, p=[0.3, 0.2, 0.2, 0.1, 0.1, 0.1]).tolist()
    columns: dict[str, Any] = {
        "patient": [f"MRN{number:08}" for number in rng.permutation(rows)],
        "admitted": admitted.astype("datetime64[s]"),
        "discharged": discharged.astype("datetime64[s]"),
        "zip": pa.array(zips, mask=rng.random(rows) < 0.05),
        "diagnosis": [CODES[code] for code in codes],
        "ward": wards,
        "building": [WARDS[ward] for ward in wards],
        "cost": np.round(cost, 2),
        "died": died,
        "died_on": pa.array(discharged.astype("datetime64[D]"), mask=~died),
        "readmitted": rng.binomial(20, 0.05 + 0.3 * died),
        "notes": [f"{NOTE} {dt.date(2020, 1, 1)}"] * rows,
    }
    return pa.table(columns)
