"""Generators that leak or lose something on purpose against every metric: which catches which.

`python -m benchmarks.attacks rand|adult [EPSILON]` prints a table of docs/attacks.md. Without EPSILON nothing is
noisy, as in a rehearsal; with it, that ε (δ=1e-9) is spent on all metrics together. The data is the RAND
Health Insurance Experiment (statsmodels), or Adult in the folder that `DPGATE_TEST_DATA` names.

`python -m benchmarks.attacks time` measures every attack on Adult: 48,842 rows against 25,000 released ones.
"""

from __future__ import annotations

import sys
import time
from decimal import Decimal


def main(data: str = "rand", epsilon: str | None = None) -> None:
    """Prints one line for each metric, one column for each generator."""
    from tests.suites import leaky

    if data != "rand" and not leaky.TEST_DATA:
        print("DPGATE_TEST_DATA is not set: it names the folder that holds adult.csv")
        return
    if data == "time":
        timed()
        return
    world = leaky.rand() if data == "rand" else leaky.adult()
    table: dict[str, list[str]] = {}
    for made in leaky.GENERATORS.values():
        for name, verdict in leaky.verdicts(world, made(world), epsilon):
            main = verdict.figures.main
            end = f"{float(main.value):.3f} [{float(main.low):.3f}, {float(main.high):.3f}]"
            if main.low == main.high:
                end = f"{float(main.value):.3f}"
            table.setdefault(name, []).append(f"**{end}**" if verdict.caught else end)
    print("| |", " | ".join(leaky.GENERATORS), "|")
    print("|---" * (1 + len(leaky.GENERATORS)) + "|")
    for name, cells in table.items():
        print(f"| `{name}` |", " | ".join(cells), "|")


def timed() -> None:
    """Prints the seconds of each attack, and of all."""
    from tests.suites import leaky

    world = leaky.adult()
    for name in ("returns members", "permutes columns"):
        subject = world.subject(leaky.GENERATORS[name](world)[:25_000])
        whole = 0.0
        for attack in leaky.ATTACKS:
            measure, _ = leaky.measures(world)[attack]
            start = time.perf_counter()
            measure.figures(subject, [measure.exact(0, subject, ())], (Decimal(0),))
            seconds = time.perf_counter() - start
            whole += seconds
            print(f"{name}: {attack} {seconds:.1f} s")
        print(f"{name}: all {whole:.1f} s")


if __name__ == "__main__":
    start = time.perf_counter()
    main(*sys.argv[1:3])
    print(f"{time.perf_counter() - start:.1f} s")
