"""Generators that leak or lose something on purpose, on real data, and what is to catch each.

The data is the RAND Health Insurance Experiment (statsmodels, public domain) in the cells of
releases/rand-health/dataset.yaml, or UCI Adult in those of the folder that `DPGATE_TEST_DATA` names. Every
generator takes and returns cells.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pyarrow as pa
from pydantic import TypeAdapter

from dpgate.accounting.calibrate import rho_for
from dpgate.evidence.exact.interface import exact_of
from dpgate.evidence.measures import registry
from dpgate.evidence.measures.interface import Figures, Measure, Scene
from dpgate.evidence.measures.plan import plan
from dpgate.evidence.measures.run import exactly
from dpgate.evidence.measures.subject import Subject
from dpgate.evidence.whole_rows import blocks
from dpgate.loading.documents import load
from dpgate.mechanisms.session import Mechanisms
from dpgate.model.attacks import ThreatModel
from dpgate.model.dataset import Dataset
from dpgate.model.domain import Domain, domain_of
from dpgate.model.utility import Threshold
from dpgate.sources.arrow import table_source
from dpgate.sources.interface import RowSource
from dpgate.synthesis.interface import Task
from dpgate.synthesis.registry import get
from dpgate.synthesis.sampling.decode import decode

if TYPE_CHECKING:
    from dpgate.evidence.whole_rows import Cells

ROOT = Path(__file__).resolve().parents[2]
TEST_DATA = os.environ.get("DPGATE_TEST_DATA")


@dataclass(frozen=True, kw_only=True)
class World:
    """Real rows on both sides of a coin, and public documents.

    Attributes:
        scene: what is public.
        members: cells of rows that generators may learn from.
        holdout: cells of the others.
        secret: a column that attackers want to know.
        target: a column that models predict.
        rare: a subgroup of one person in ten or so: a column, and its cell.
        pairs: how far two-way marginals may be off on average.
    """

    scene: Scene
    members: Cells
    holdout: Cells
    secret: str
    target: str
    rare: tuple[str, int]
    pairs: str

    @property
    def domain(self) -> Domain:
        return self.scene.domain

    def table(self, cells: Cells) -> pa.Table:
        """Rows with values of these cells."""
        coins = np.random.default_rng()
        arrays = [
            decode(cells[:, c].astype(np.int64), column, coins)
            for c, column in enumerate(self.domain.columns)
        ]
        return pa.table(dict(zip(self.domain.names, arrays, strict=True)))

    def subject(self, released: Cells) -> Subject:
        return Subject(
            task=Task(domain=self.domain, relation="add-remove", rows=len(released)),
            released=self.table(released),
            total=len(self.members),
            source=table_source(self.table(self.members), self.domain),
            progress=lambda _stage, _done: None,
            holdout=cast("RowSource", table_source(self.table(self.holdout), self.domain)),
        )


@lru_cache(maxsize=2)
def rand(held: str = "0.3") -> World:
    """The experiment; `held` is the share that is held out."""
    from statsmodels.datasets import randhie

    path = ROOT / "releases" / "rand-health" / "dataset.yaml"
    dataset = cast("Dataset", load(path.name, path.read_bytes()).document)
    frame = randhie.load_pandas().data
    frame = frame.astype(dict.fromkeys(("idp", "hlthg", "hlthf", "hlthp"), bool))
    source = table_source(pa.Table.from_pandas(frame, preserve_index=False), _domain(dataset))
    known = ("lncoins", "lpi", "fmde", "physlm", "disea", "hlthg")
    cells = np.concatenate(list(blocks(source)))
    return _world(
        dataset, cells, known, held, secret="mdvis", target="idp", rare=("hlthf", 1), pairs="0.05"
    )


ORDERED = {"age", "fnlwgt", "education-num", "capital-gain", "capital-loss", "hours-per-week"}
IDENTIFYING = {"age", "sex", "race", "marital-status", "native-country", "education-num"}


@lru_cache(maxsize=2)
def adult(held: str = "0.1") -> World:
    """Adult; `held` is the share that is held out."""
    folder = Path(TEST_DATA or "")
    sizes = json.loads((folder / "adult-domain.json").read_text())
    columns = {
        _named(name): {
            **(
                {"type": "integer", "domain": {"min": 0, "max": Decimal(size - 1), "bins": "each"}}
                if name in ORDERED
                else {"type": "category", "domain": tuple(map(str, range(size)))}
            ),
            "sensitivity": "census",
            "source": {"public_codebook": "UCI"},
            "quasi_identifier": name in IDENTIFYING,
        }
        for name, size in sizes.items()
    }
    spec = {
        "population": "adult",
        "neighboring": "add-remove",
        "unit": {"row": "person", "max_rows_per_person": 1, "source": "UCI"},
        "rows": {"at_most": 100_000},
        "columns": columns,
    }
    metadata = {"name": "adult", "steward": "us"}
    dataset = Dataset.model_validate(
        {"apiVersion": "dpgate/v1", "kind": "Dataset", "metadata": metadata, "spec": spec}
    )
    cells = np.loadtxt(folder / "adult.csv", delimiter=",", skiprows=1, dtype=np.uint16)
    known = (*map(_named, sorted(IDENTIFYING)), "workclass", "relationship", "hours_per_week")
    return _world(
        dataset,
        cells,
        known,
        "0.1",
        secret="occupation",
        target="income_over_50K",
        rare=("race", 4),
        pairs="0.06",
    )


def _named(name: str) -> str:
    return name.replace("-", "_").replace(">", "_over_")


def _domain(dataset: Dataset) -> Domain:
    return domain_of(dataset, list(dataset.spec.columns))


def _world(
    dataset: Dataset, cells: Cells, knows: tuple[str, ...], share: str, **said: Any
) -> World:
    model = ThreatModel(
        adversary="insider", knows=knows, fears=("membership",), holdout=Decimal(share)
    )
    scene = Scene(
        dataset=dataset, domain=_domain(dataset), relation="add-remove", threat_model=model
    )
    held = np.random.default_rng().random(len(cells)) < float(share)
    return World(scene=scene, members=cells[~held], holdout=cells[held], **said)


# ── generators ───────────────────────────────────────────────────────────────────────────────

Generator = Callable[[World], "Cells"]


def private(world: World, epsilon: str = "1", name: str = "mst") -> Cells:
    """A release by one of our synthesizers."""
    task = Task(domain=world.domain, relation="add-remove", rows=len(world.members))
    synthesizer = get(name)
    events = synthesizer.plan(task, rho_for(Decimal(epsilon), Decimal("1e-9")))
    source = table_source(world.table(world.members), world.domain)
    mechanisms = Mechanisms(events, "add-remove")

    def quiet(_stage: str, _done: float) -> None: ...

    model = synthesizer.fit(task, events, source, mechanisms, quiet)
    made = table_source(model.sample(task.rows, quiet), world.domain)
    return np.concatenate(list(blocks(made)))


def returns(world: World) -> Cells:
    """The members themselves."""
    return world.members


def jitters(world: World) -> Cells:
    """The members, one value in ten moved to the next cell or (of lists) drawn anew."""
    coins, made = np.random.default_rng(), world.members.copy()
    for c, column in enumerate(world.domain.columns):
        size, moved = column.size, coins.random(len(made)) < 1 / 10
        step = (
            coins.choice([-1, 1], len(made)) if column.lows else coins.integers(0, size, len(made))
        )
        there = made[:, c].astype(np.int64) + step
        made[moved, c] = (there.clip(0, size - 1) if column.lows else there % size)[moved]
    return made


def memorizes(world: World) -> Cells:
    """Half a private release, half repeats of one member in a hundred."""
    made, coins = private(world), np.random.default_rng()
    few = coins.choice(len(world.members), len(world.members) // 100, replace=False)
    half = len(made) // 2
    return np.concatenate([made[:half], world.members[coins.choice(few, half)]])


def collapses(world: World) -> Cells:
    """A private release in which nobody is of the rare subgroup."""
    made, place = private(world), world.domain.names.index(world.rare[0])
    kept = made[made[:, place] != world.rare[1]]
    many: Cells = kept[np.random.default_rng().integers(0, len(kept), len(made))]
    return many


def permutes(world: World) -> Cells:
    """The members, each column in an order of its own."""
    coins = np.random.default_rng()
    made: Cells = np.stack([coins.permutation(c) for c in world.members.T], axis=1)
    return made


GENERATORS: dict[str, Generator] = {
    "returns members": returns,
    "members with small noise": jitters,
    "memorizes one in a hundred": memorizes,
    "collapses a subgroup": collapses,
    "permutes columns": permutes,
    "mst at ε=1": private,
}

# ── what looks ───────────────────────────────────────────────────────────────────────────────

ATTACKS: dict[str, str] = {
    "membership": "0.1",
    "membership_density": "0.1",
    "attribute": "0.1",
    "linkage": "0.1",
    "singling_out": "0.1",
    "copies": "0.1",
}
"""Attacks, and their highest advantage."""


def thresholds(world: World) -> dict[str, dict[str, Any]]:
    """What released rows must be good for, by name."""
    rare, target = (world.rare[0],), world.target
    return {
        "marginal_tvd of order 1": {"metric": "marginal_tvd", "order": 1, "at_most": "0.015"},
        "marginal_tvd of order 2": {"metric": "marginal_tvd", "order": 2, "at_most": world.pairs},
        "rare_events": {"metric": "rare_events", "columns": rare, "at_most": "0.05"},
        "subgroup_tvd": {"metric": "subgroup_tvd", "columns": rare, "at_most": "0.3"},
        "correlation": {"metric": "correlation", "at_most": "0.1"},
        "cramers_v": {"metric": "cramers_v", "at_most": "0.1"},
        "prediction": {"metric": "prediction", "target": target, "at_least": "0.75"},
    }


def sealed(world: World) -> dict[str, dict[str, Any]]:
    """What is computed without noise, by name."""
    return {
        "prediction_ratio": {
            "metric": "prediction_ratio",
            "target": world.target,
            "at_least": "0.85",
        },
        "detectability": {"metric": "detectability", "at_most": "0.9"},
    }


_ADAPTER: TypeAdapter[Any] = TypeAdapter(Threshold)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What one metric says of one generator."""

    figures: Figures
    caught: bool


def threshold(given: Mapping[str, Any]) -> Any:
    numbers = {"at_most", "at_least"}
    return _ADAPTER.validate_python(
        {key: Decimal(value) if key in numbers else value for key, value in given.items()}
    )


def there(metric: str, group: str = registry.MEASURES) -> bool:
    """Whether a metric can be measured in this tree."""
    (found,) = entry_points(group=group, name=metric)
    return find_spec(found.value.partition(":")[0]) is not None


def measures(world: World) -> dict[str, tuple[Measure, Any]]:
    """What is measured under DP, by name, with its limit: a threshold, or an advantage."""
    found: dict[str, tuple[Measure, Any]] = {}
    for number, (name, given) in enumerate(thresholds(world).items()):
        if there(given["metric"]):
            asked = threshold(given)
            found[name] = registry.measure_of(asked, world.scene, f"evidence.u{number}"), asked
    for number, (name, limit) in enumerate(ATTACKS.items()):
        asked_for = f"{name}.{world.secret}" if name == "attribute" else name
        attack = registry.attack_of(asked_for, Decimal(1), world.scene, f"evidence.a{number}")
        found[name] = attack, Decimal(limit)
    return found


def caught(figures: Figures, limit: Any) -> bool:
    """Whether the gate denies: by the bad end of the interval."""
    if isinstance(limit, Decimal):
        return figures.main.high > limit
    bad = figures.main.high if limit.better == "low" else figures.main.low
    return bool(bad > limit.limit if limit.better == "low" else bad < limit.limit)


def verdicts(
    world: World, released: Cells, epsilon: str | None = None
) -> Iterator[tuple[str, Verdict]]:
    """Every metric on one release: exact figures, or with the noise of an ε for all together."""
    subject, made = world.subject(released), measures(world)
    if epsilon is None:
        found = [figures for _, figures in exactly([each for each, _ in made.values()], subject)]
    else:
        found = _noisily([each for each, _ in made.values()], subject, epsilon)
    for (name, (_, limit)), figures in zip(made.items(), found, strict=True):
        yield name, Verdict(figures=figures, caught=caught(figures, limit))
    for name, given in sealed(world).items():
        asked = threshold(given)
        figures = exact_of(asked, world.scene).measure(subject)
        yield name, Verdict(figures=figures, caught=caught(figures, asked))


def _noisily(made: list[Measure], subject: Subject, epsilon: str) -> list[Figures]:
    events = plan(made, rho_for(Decimal(epsilon), Decimal("1e-9")), "add-remove")
    mechanisms, rest = Mechanisms(events, "add-remove"), iter(events)
    found = []
    for each in made:
        noisy: list[Any] = []
        scales = []
        for place in range(len(each.vectors())):
            event = next(rest)
            noisy.append(mechanisms.gaussian(event.name, each.exact(place, subject, tuple(noisy))))
            scales.append(event.scale)
        found.append(each.figures(subject, noisy, scales))
    return found
