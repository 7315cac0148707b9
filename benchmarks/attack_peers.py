"""Leaky generators against Anonymeter and SDMetrics: ours must catch at least as many.

`DPGATE_ATTACK_PEERS=/path/to/python python -m benchmarks.attack_peers [rand|adult]`: that interpreter has
anonymeter and sdmetrics (both stay out of this project: SDMetrics depends on copulas, which is under the
BUSL; Anonymeter pins an old NumPy). Without it this says so and ends. Adult needs `DPGATE_TEST_DATA`.

All see the same members, holdout and released rows, in the same cells; half of all rows are held out, since
SDMetrics compares distances to both sides, which must be equally large for that. Ours are exact here, without noise, as
the peers' are. An attack catches a case if the whole 95 % interval of its advantage or risk lies above 0, and it
does not say so of the private release too. A score without an interval, ours or theirs, is held against what
it says of the private release: a case is caught if its error is more than `WORSE` times that one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dpgate.evidence.whole_rows import Cells
    from tests.suites.leaky import World

HERE = Path(__file__).resolve().parent
GOOD = "mst at ε=1"
WORSE = 1.25
HIGH_IS_GOOD = ("prediction", "sdmetrics")
ROWS = 4_000
"""Released rows: as many as peers get through in minutes."""
Results = dict[str, dict[str, tuple[Any, float, float, bool]]]


def main(data: str = "rand") -> bool:
    """Runs all, prints a table; says whether ours catch at least what each peer does."""
    peer = os.environ.get("DPGATE_ATTACK_PEERS", "")
    if not peer or not Path(peer).exists():
        print(
            "DPGATE_ATTACK_PEERS is not set to an interpreter with anonymeter and sdmetrics: skipped"
        )
        return True
    if data == "adult" and not os.environ.get("DPGATE_TEST_DATA"):
        print("DPGATE_TEST_DATA is not set: it names the folder that holds adult.csv")
        return False
    import numpy as np

    from tests.suites import leaky

    world = leaky.rand("0.5") if data == "rand" else leaky.adult("0.5")
    coins = np.random.default_rng()
    made = {
        name: coins.permutation(generate(world))[:ROWS]
        for name, generate in leaky.GENERATORS.items()
    }
    found = {name: _ours(world, cells) for name, cells in made.items()}
    for name, results in _peers(peer, world, made).items():
        found[name] |= results
    return _told(found)


def _ours(world: World, cells: Cells) -> dict[str, tuple[Any, float, float, bool]]:
    from tests.suites import leaky

    results = {}
    for name, verdict in leaky.verdicts(world, cells):
        main = verdict.figures.main
        significant = main.low > 0 if name in leaky.ATTACKS else verdict.caught
        results[f"dpgate {name}"] = (
            float(main.value),
            float(main.low),
            float(main.high),
            significant,
        )
    return results


def _peers(peer: str, world: World, made: dict[str, Cells]) -> Results:
    import numpy as np

    from dpgate.evidence.attacks.knowledge import known, ordered

    names = world.domain.names
    secret = names.index(world.secret)
    said = {
        "columns": names,
        "ordered": [n for n, line in zip(names, ordered(world.scene), strict=True) if line],
        "known": [names[c] for c in known(world.scene, 2, "peers", (secret,))],
        "secret": world.secret,
        "pairs": float(world.pairs),
        "releases": list(made),
    }
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "said.json").write_text(json.dumps(said))
        tables = {"members": world.members, "holdout": world.holdout}
        tables |= {str(number): cells for number, cells in enumerate(made.values())}
        for name, cells in tables.items():
            np.savetxt(
                Path(folder, f"{name}.csv"), cells, fmt="%d", delimiter=",",
                header=",".join(names), comments="",
            )  # fmt: skip
        done = subprocess.run(  # noqa: S603 - our own script, in the interpreter that the caller named
            [peer, "-W", "ignore", str(HERE / "peer_privacy.py"), folder],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
    results: Results = json.loads(done.stdout.splitlines()[-1])
    return results


def _told(found: Results) -> bool:
    leaks = [name for name in found if name != GOOD]
    for metric in next(iter(found.values())):
        if not _has_interval(metric):
            good = _error(metric, found[GOOD][metric][0])
            for results in found.values():
                value, low, high, _ = results[metric]
                results[metric] = value, low, high, _error(metric, value) > WORSE * good
    print("| |", " | ".join(found), "|")
    print("|---" * (1 + len(found)) + "|")
    for metric in next(iter(found.values())):
        cells = [found[name][metric] for name in found]
        shown = [f"{v:.3f}" if isinstance(v, float) else str(v) for v, *_ in cells]
        marked = [f"**{s}**" if c[3] else s for s, c in zip(shown, cells, strict=True)]
        print(f"| {metric} |", " | ".join(marked), "|")
    caught = {
        tool: {
            name
            for name in leaks
            for metric, (*_, hit) in found[name].items()
            if hit and metric.startswith(tool) and not found[GOOD][metric][3]
        }
        for tool in ("dpgate", "anonymeter", "sdmetrics")
    }
    for tool, names in caught.items():
        print(f"{tool}: {len(names)} of {len(leaks)} caught: {', '.join(sorted(names))}")
    reached = all(names <= caught["dpgate"] for names in caught.values())
    print(f"at least as many as each peer: {'reached' if reached else 'MISSED'}")
    return reached


def _has_interval(metric: str) -> bool:
    from tests.suites.leaky import ATTACKS

    return metric.startswith("anonymeter") or metric.removeprefix("dpgate ") in ATTACKS


def _error(metric: str, value: float) -> float:
    high = any(metric.removeprefix("dpgate ").startswith(name) for name in HIGH_IS_GOOD)
    return 1 - value if high else value


if __name__ == "__main__":
    sys.exit(0 if main(*sys.argv[1:2]) else 1)
