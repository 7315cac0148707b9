"""Anonymeter and SDMetrics on tables that `benchmarks.attack_peers` wrote; runs in their environment.

`python peer_privacy.py FOLDER`: the last line printed is JSON, for each release and each metric a value, a low
and a high end (equal where the tool gives none) and whether that counts as a case caught.
"""

import contextlib
import io
import json
import sys
import time
import warnings
from pathlib import Path
from typing import Any

ATTACKS = 300
FEW = 300
"""Released rows that SDMetrics compares with all others: it takes minutes for thousands."""


def main(folder: Path) -> None:
    """Reads the tables, runs both tools, prints what they find."""
    import pandas as pd

    said = json.loads((folder / "said.json").read_text())
    kinds = {name: int if name in said["ordered"] else str for name in said["columns"]}

    def read(name: str) -> pd.DataFrame:
        return pd.read_csv(folder / f"{name}.csv", dtype=kinds)

    members, holdout = read("members"), read("holdout")
    found = {}
    for number, name in enumerate(said["releases"]):
        released = read(str(number))
        start = time.perf_counter()
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            results = anonymeter(said, members, holdout, released)
            anonymeter_s = time.perf_counter() - start
            results |= sdmetrics(said, members, holdout, released)
        sdmetrics_s = time.perf_counter() - start - anonymeter_s
        print(
            name,
            f"anonymeter {anonymeter_s:.1f} s, sdmetrics {sdmetrics_s:.1f} s",
            results,
            file=sys.stderr,
        )
        found[name] = results
    print(json.dumps(found))


def anonymeter(said: Any, members: Any, holdout: Any, released: Any) -> dict[str, Any]:
    """Risks against a control: caught where the interval lies above 0."""
    from anonymeter.evaluators import InferenceEvaluator, LinkabilityEvaluator, SinglingOutEvaluator

    tables = {"ori": members, "syn": released, "control": holdout, "n_attacks": ATTACKS}
    known = said["known"]
    made: dict[str, Any] = {
        "singling_out": lambda: SinglingOutEvaluator(
            n_cols=min(4, len(known)), max_attempts=30_000, **tables
        ).evaluate("multivariate"),
        "linkability": lambda: LinkabilityEvaluator(
            aux_cols=(known[::2], known[1::2]), n_neighbors=5, **tables
        ).evaluate(n_jobs=1),
        "inference": lambda: InferenceEvaluator(
            aux_cols=known, secret=said["secret"], regression=False, **tables
        ).evaluate(n_jobs=1),
    }
    results: dict[str, Any] = {}
    for name, make in made.items():
        try:
            risk = make().risk(confidence_level=0.95)
        except Exception as error:  # noqa: BLE001 - whatever a peer cannot do is said, and counts as not caught
            results[f"anonymeter {name}"] = (type(error).__name__, 0, 0, False)
            continue
        low, high = risk.ci
        results[f"anonymeter {name}"] = (risk.value, low, high, bool(low > 0))
    return results


def sdmetrics(said: Any, members: Any, holdout: Any, released: Any) -> dict[str, Any]:
    """Scores from 0 to 1, 1 is good: caught below 0.9, of marginals below ours' own limits."""
    from sdmetrics.reports.single_table import QualityReport
    from sdmetrics.single_table import DCROverfittingProtection, NewRowSynthesis

    columns = {
        name: {"sdtype": "numerical" if name in said["ordered"] else "categorical"}
        for name in said["columns"]
    }
    metadata = {"columns": columns}
    few = min(len(released), FEW)
    overfit = DCROverfittingProtection.compute_breakdown(
        members,
        released.sample(few),
        holdout,
        {"tables": {"t": metadata}},
        "t",
    )["score"]
    new = NewRowSynthesis.compute(members, released, metadata, synthetic_sample_size=few)
    report = QualityReport()
    report.generate(members, released, metadata, verbose=False)
    shapes, pairs = report.get_properties()["Score"]
    scores = {
        "DCR overfitting": (overfit, 0.9),
        "new rows": (new, 0.9),
        "column shapes": (shapes, 1 - 0.015),
        "column pair trends": (pairs, 1 - said["pairs"]),
    }
    return {
        f"sdmetrics {name}": (float(score), float(score), float(score), bool(score < limit))
        for name, (score, limit) in scores.items()
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
