"""`dp-tvae` and `dp-ctgan` on Adult beside our own `mst` and `aim`, and stock SmartNoise DPCTGAN.

`python -m benchmarks.networks [--rows N] [--peer EPOCHS]` needs `DPGATE_TEST_DATA` and the extra `gan`. The peer runs
in the interpreter that `DPGATE_BENCH_PEER` names, which holds smartnoise-synth 1.0.8 and opacus 0.14. Four fifths of
Adult are synthesized at ε=3, δ=1e-9 under add-remove, or the first N rows of them: the peer takes about N² steps
until it has spent its ε. The public bound is 5/4 of the rows drawn. Error: mean two-way total variation distance to all
of Adult. AUC: as in `benchmarks.downstream`.
`python -m benchmarks.networks step [--processes N] [--batch B]` times one step of `dp-tvae` with and without privacy:
the same network, rows and batch; without it, a mean loss and its gradient, as anybody would train, in one process.
Set OMP_NUM_THREADS=1: one thread a process.
`python -m benchmarks.networks qualities [RUNS]` runs the trainings of `recommend --quality` at ε=1 and 3.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import adult, downstream
from dpgate.gate.quality import QUALITIES

if TYPE_CHECKING:
    from dpgate.synthesis.gan.trainer import Team
    from dpgate.synthesis.interface import Task

EPSILON = "3"
ROWS = 40_000
_ROOT = Path(__file__).resolve().parent.parent


def main(arguments: Sequence[str] = ()) -> bool:
    """Runs, prints a table; says whether what was to be reached was."""
    if not os.environ.get("DPGATE_TEST_DATA"):
        print("DPGATE_TEST_DATA is not set: it names the folder that holds adult.csv")
        return False
    data, domain = adult.real()
    with tempfile.TemporaryDirectory() as folder:
        train, test = downstream.split(Path(data), Path(folder))
        rows = _number(arguments, "--rows", ROWS)
        train.write_text("".join(train.read_text().splitlines(keepends=True)[: rows + 1]))
        print(f"{'':22}{'fit':>9}{'a step':>11}{'error':>9}{'AUC':>8}")
        found = {}
        for name in ("dp-tvae", "dp-ctgan", "mst", "aim", "independent"):
            found[name] = _shown(name, _ours(name, train, domain, test, rows=rows))
        if epochs := _number(arguments, "--peer", 0):
            peer = _shown("SmartNoise DPCTGAN", _peer(train, epochs, test))
            ratio = peer["step_s"] / found["dp-ctgan"]["step_s"]
            print(f"a step of dp-ctgan is 1/{ratio:.0f} of the peer's")
    return found["dp-tvae"]["step_s"] < found["dp-ctgan"]["step_s"]


def _number(arguments: Sequence[str], name: str, otherwise: int) -> int:
    return int(arguments[arguments.index(name) + 1]) if name in arguments else otherwise


def _shown(name: str, figures: dict[str, float]) -> dict[str, float]:
    steps = figures.get("steps", 0)
    figures["step_s"] = figures["fit_s"] / steps if steps else 0.0
    step = f"{figures['step_s'] * 1e3:9.1f}ms" if steps else " " * 11
    own = (
        f"  ended at ε {figures['epsilon']:.2f} by its own account"
        if figures.get("epsilon")
        else ""
    )
    print(
        f"{name:22}{figures['fit_s']:8.1f}s{step}{figures['error']:9.4f}{figures['auc']:8.3f}{own}",
        flush=True,
    )
    return figures


def qualities(runs: int = 3) -> None:
    """Prints means over runs for each quality, and of tables, at two values of ε."""
    data, domain = adult.real()
    with tempfile.TemporaryDirectory() as folder:
        train, test = downstream.split(Path(data), Path(folder))
        print(
            f"{'':22}{'CPU':>9}{'error':>9}{'AUC':>8}  at ε, steps, batch, width, noise to signal"
        )
        for epsilon in ("1", "3"):
            for name, quality in [
                *product(("dp-tvae", "dp-ctgan"), QUALITIES),
                ("mst", ""),
                ("aim", ""),
            ]:
                each = [_ours(name, train, domain, test, epsilon, quality) for _ in range(runs)]
                mean = {key: sum(one[key] for one in each) / runs for key in each[0]}
                shape = [f"{mean[key]:g}" for key in ("steps", "batch", "width") if key in mean]
                ratio = f"{mean['ratio']:.2f}" if "ratio" in mean else ""
                print(f"{name + ' ' + quality:22}{mean['cpu_s']:8.1f}s{mean['error']:9.4f}{mean['auc']:8.3f}"
                      f"  {', '.join([epsilon, *shape, ratio])}", flush=True)  # fmt: skip


def _ours(
    name: str,
    train: Path,
    domain: str,
    test: Path,
    epsilon: str = EPSILON,
    quality: str = "",
    rows: int = ROWS,
) -> dict[str, float]:
    out = train.with_name("rows.npy")
    command = [
        sys.executable,
        "-m",
        "benchmarks.networks",
        "run",
        name,
        str(train),
        domain,
        str(out),
        epsilon,
        quality,
        str(rows),
    ]
    figures = _run(command)
    return figures | _judged(out, train, test, domain)


def _peer(train: Path, epochs: int, test: Path) -> dict[str, float]:
    interpreter = os.environ.get("DPGATE_BENCH_PEER", sys.executable)
    out = train.with_name("peer.npy")
    script = str(_ROOT / "benchmarks" / "peer_dpctgan.py")
    figures = _run([interpreter, script, str(train), str(out), EPSILON, str(epochs)])
    return figures | _judged(out, train, test, adult.real()[1])


def _run(command: list[str]) -> dict[str, float]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}  # more only wait on busy cores
    done = subprocess.run(  # noqa: S603 - our own scripts
        command, cwd=_ROOT, check=True, capture_output=True, env=environment, text=True
    )
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _judged(out: Path, train: Path, test: Path, domain: str) -> dict[str, float]:
    import numpy as np

    made = out.with_suffix(".csv")
    head = train.open().readline().strip()
    np.savetxt(made, np.load(out), fmt="%d", delimiter=",", header=head, comments="")
    error = adult.error(adult.real()[0], domain, str(out))
    return {"auc": downstream.auc(made, test), "error": error}


def _task(domain: str, rows: int = ROWS) -> Task:
    from dpgate.model.domain import ColumnDomain, Domain
    from dpgate.synthesis.interface import Task

    sizes = json.loads(Path(domain).read_text())
    columns = tuple(
        ColumnDomain(name=column, kind="whole", values=tuple(range(size)))
        for column, size in sizes.items()
    )
    return Task(
        domain=Domain(columns=columns), relation="add-remove", rows=rows, rows_at_most=rows * 5 // 4
    )


def _silent(*_: object) -> None:
    """Progress that nobody watches."""


def step(arguments: Sequence[str] = (), steps: int = 40) -> None:
    """Median times of a step of `dp-tvae`, with privacy and without."""
    from dpgate.model.training import Training
    from dpgate.synthesis.gan.synthesizer import DpTvae
    from dpgate.synthesis.gan.trainer import Alone

    processes, batch = _number(arguments, "--processes", 1), _number(arguments, "--batch", 1_000)
    training = Training(processes=processes, batch=batch)
    task = replace(_task(adult.real()[1]), training=training)
    if training.processes == 1:
        _step(task, Alone(), steps)
        return
    from dpgate.synthesis.gan.team.gather import gathered
    from dpgate.synthesis.gan.team.messages import Job

    job = Job.of(DpTvae(), task)
    with gathered(job, training.processes, training.batch or 0, _silent) as team:
        _step(task, team, steps)


def _step(task: Task, team: Team, steps: int) -> None:
    from statistics import median

    from dpgate.accounting.calibrate import budget_for
    from dpgate.mechanisms.session import Mechanisms
    from dpgate.sources.arrow import ArrowSource
    from dpgate.sources.delimited import batches
    from dpgate.synthesis.gan.layers import Mlp
    from dpgate.synthesis.gan.start import start
    from dpgate.synthesis.gan.synthesizer import DpTvae
    from dpgate.synthesis.gan.trainer import Trained, apply, private_gradient
    from dpgate.synthesis.gan.tvae import Elbo

    synthesizer = DpTvae()
    made = synthesizer.recipe(task)
    budget = budget_for(Decimal(EPSILON), Decimal(adult.DELTA))
    events = synthesizer.plan_within(task, budget, ())
    data = Path(adult.real()[0])
    source = ArrowSource(task.domain, lambda: batches(data, task.domain.names))
    paid = Mechanisms(events, "add-remove")
    begun = start(synthesizer, task, events, source, paid, made, _silent, None)
    encoder, decoder = (Mlp(sizes, begun.random) for sizes in synthesizer.widths(task))
    trained = Trained.by([encoder, decoder], Elbo(encoder, decoder, begun), made, team)
    private, own, plain = [], [], []
    for turn in range(steps):
        begin, used = time.perf_counter(), time.process_time()
        apply(trained, private_gradient(trained, begun.sampled, begun.records, begun.blocks.ones))
        middle = time.perf_counter()
        own.append(time.process_time() - used)
        first = turn * made.batch % (len(begun.records) - made.batch)
        rows = begun.blocks.ones(begun.records.codes[first : first + made.batch])
        trained.optimizer.zero_grad()
        trained.losses(rows, []).mean().backward()  # type: ignore[no-untyped-call]
        trained.optimizer.step()
        private.append(middle - begin)
        plain.append(time.perf_counter() - middle)
    with_it, without = median(private) * 1e3, median(plain) * 1e3
    print(f"a step of dp-tvae at batch {made.batch}, {made.processes} processes: {with_it:.1f} ms "
          f"(fastest {min(private) * 1e3:.1f}; {median(own) * 1e3:.1f} of rank 0's processor), without privacy, "
          f"in one, {without:.1f} ms: {with_it / without:.2f}×")  # fmt: skip


def run(name: str, data: str, domain: str, out: str, epsilon: str, quality: str, rows: str) -> None:
    """Plan, fit and sample one of ours, as `_ours` asks; print figures as JSON."""
    import numpy as np

    from dpgate.accounting.calibrate import budget_for
    from dpgate.gate.quality import choose
    from dpgate.mechanisms.session import Mechanisms
    from dpgate.sources.arrow import ArrowSource
    from dpgate.sources.delimited import batches
    from dpgate.synthesis.gan.plan import noise_to_signal
    from dpgate.synthesis.gan.synthesizer import Trained
    from dpgate.synthesis.registry import get

    task = _task(domain, int(rows))
    synthesizer = get(name)
    budget = budget_for(Decimal(epsilon), Decimal(adult.DELTA))
    figures: dict[str, float] = {}
    if isinstance(synthesizer, Trained):
        if quality in QUALITIES:
            choice = choose(synthesizer, task, quality, budget, ())
            task = replace(task, training=choice.training)
        events = synthesizer.plan_within(task, budget, ())
        made = synthesizer.recipe(task)
        ratio = noise_to_signal(events[1], made, synthesizer.trained(task))
        figures = {"steps": made.steps, "batch": made.batch, "width": made.width, "ratio": ratio}
    else:
        events = synthesizer.plan(task, budget.amount)
    source = ArrowSource(task.domain, lambda: batches(Path(data), task.domain.names))
    start, busy = time.perf_counter(), time.process_time()
    model = synthesizer.fit(task, events, source, Mechanisms(events, "add-remove"), _silent)
    figures |= {"fit_s": time.perf_counter() - start, "cpu_s": time.process_time() - busy}
    table = model.sample(task.rows, _silent)
    np.save(out, np.stack([column.to_numpy() for column in table.columns], axis=1))
    print(json.dumps(figures))


if __name__ == "__main__":
    if sys.argv[1:2] == ["run"]:
        run(*sys.argv[2:])
    elif sys.argv[1:2] == ["step"]:
        step(sys.argv[2:])
    elif sys.argv[1:2] == ["qualities"]:
        qualities(*map(int, sys.argv[2:]))
    else:
        sys.exit(0 if main(sys.argv[1:]) else 1)
