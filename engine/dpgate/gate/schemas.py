"""JSON Schemas (draft 2020-12) of results, for programs that read `--format json`.

``python -m dpgate.gate.schemas`` writes them beside those of documents and records.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from dpgate.evidence.report import EvidenceReport
from dpgate.gate.compare_results import CompareResult
from dpgate.gate.policytest.result import PolicyTestResult
from dpgate.gate.rehearsal import RehearsalResult
from dpgate.gate.results import CheckResult, PlanResult, PlansResult, ReleaseResult, VerifyResult
from dpgate.loading.schemas import schema_of
from dpgate.model.values import Frozen

RESULTS: dict[str, type[Frozen]] = {
    "evidence.schema.json": EvidenceReport,
    "result-check.schema.json": CheckResult,
    "result-compare.schema.json": CompareResult,
    "result-plan.schema.json": PlanResult,
    "result-plans.schema.json": PlansResult,
    "result-rehearsal.schema.json": RehearsalResult,
    "result-release.schema.json": ReleaseResult,
    "result-policy-test.schema.json": PolicyTestResult,
    "result-verify.schema.json": VerifyResult,
}


def schemas() -> dict[str, dict[str, Any]]:
    """The schema of each result, by file name. Every key is always there."""
    return {name: schema_of(name, model, written=True) for name, model in RESULTS.items()}


def write(folder: Path) -> None:
    """Write every schema file into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, schema in schemas().items():
        text = json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else "schemas"))
