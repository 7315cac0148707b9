"""Use of synthetic rows: a model trained on them, tested on real ones, by ε.

`python -m benchmarks.downstream [EPSILON …]` needs `DPGATE_TEST_DATA` and, for the peer, stock SmartNoise 1.0.8
(see `benchmarks.adult`). Adult is split in a fixed way: four fifths are synthesized, one fifth is kept for the
test. The classifier is scikit-learn's gradient boosting for income above 50,000, the figure the area under the
ROC curve (AUC). "real" trains on the four fifths themselves.

Every synthesizer runs `RUNS` times for each ε, and the table shows means; the peer is asked for the same ε by
its own claim, which understates what it costs.
"""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import mean

from benchmarks import adult

EPSILONS = ("0.1", "0.3", "1", "3", "10")
RUNS = 3
TARGET = "income>50K"


def main(epsilons: tuple[str, ...] = EPSILONS) -> bool:
    """Runs, prints a table; says whether our MST is at least as good as the peer's at every ε."""
    if not os.environ.get("DPGATE_TEST_DATA"):
        print("DPGATE_TEST_DATA is not set: it names the folder that holds adult.csv")
        return False
    data, domain = adult.real()
    with tempfile.TemporaryDirectory() as folder:
        train, test = split(Path(data), Path(folder))
        print(f"real: AUC {auc(train, test):.4f}")
        print(f"{'ε':>5}{'dpgate mst':>12}{'dpgate aim':>12}{'SmartNoise MST':>16}")
        reached = True
        for epsilon in epsilons:
            out = Path(folder, "rows.npy")
            ours = [
                mean(_made(name, train, domain, out, epsilon, test) for _ in range(RUNS))
                for name in ("mst", "aim")
            ]
            peer = mean(_stock(train, out, epsilon, test) for _ in range(RUNS))
            reached &= ours[0] >= peer
            print(f"{epsilon:>5}{ours[0]:12.4f}{ours[1]:12.4f}{peer:16.4f}", flush=True)
    print(f"AUC of mst at least the peer's at every ε: {'reached' if reached else 'MISSED'}")
    return reached


def split(data: Path, folder: Path) -> tuple[Path, Path]:
    """Every fifth row is kept for the test; the data is public and in no order."""
    head, *rows = list(csv.reader(data.open()))
    parts = folder / "train.csv", folder / "test.csv"
    for path, kept in zip(parts, (False, True), strict=True):
        with path.open("w", newline="") as file:
            chosen = (row for i, row in enumerate(rows) if (i % 5 == 0) is kept)
            csv.writer(file).writerows([head, *chosen])
    return parts


def _made(name: str, train: Path, domain: str, out: Path, epsilon: str, test: Path) -> float:
    command = [sys.executable, "-m", "benchmarks.ours", name, str(train), domain, str(out)]
    return _run([*command, epsilon, adult.DELTA, "add-remove"], train, out, test)


def _stock(train: Path, out: Path, epsilon: str, test: Path) -> float:
    return _run([*adult.stock("mst", str(train)), str(out), epsilon, adult.DELTA], train, out, test)


def _run(command: list[str], train: Path, out: Path, test: Path) -> float:
    import numpy as np

    threads = {"OMP_NUM_THREADS": str(os.cpu_count() or 1)}
    root = Path(__file__).resolve().parent.parent
    subprocess.run(  # noqa: S603 - our own scripts
        command, cwd=root, check=True, capture_output=True, env={**os.environ, **threads}
    )
    made = out.with_suffix(".csv")
    head = train.open().readline().strip()
    np.savetxt(made, np.load(out), fmt="%d", delimiter=",", header=head, comments="")
    return auc(made, test)


def auc(train: Path, test: Path) -> float:
    """Area under the ROC curve on the test rows, of a model of the rows to train on."""
    import pandas as pd
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score

    made, real = pd.read_csv(train), pd.read_csv(test)
    if made[TARGET].nunique() < 2:
        return 0.5
    model = HistGradientBoostingClassifier(random_state=0)
    model.fit(made.drop(columns=TARGET), made[TARGET])
    scores = model.predict_proba(real.drop(columns=TARGET))[:, 1]
    return float(roc_auc_score(real[TARGET], scores))


if __name__ == "__main__":
    sys.exit(0 if main(tuple(sys.argv[1:]) or EPSILONS) else 1)
