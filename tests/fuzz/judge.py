"""Checks mutants of a repository's documents, one after the other, in one process.

`python -m tests.fuzz.judge FIRST COUNT` prints one line of JSON: how many mutants ended with which exit code, the most
processor time that one took, the largest size of the process, and every mutant that broke a promise:

- nothing but a `DpgateError` is raised, and its exit code is 2;
- every problem has a place that exists in its file, and is one printable line;
- what the published JSON Schema refuses is refused;
- none takes a second.
"""

from __future__ import annotations

import json
import random
import re
import resource
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from dpgate.errors import DpgateError
from dpgate.gate.check import check
from dpgate.loading.yaml import parse
from tests.fuzz.mutate import mutant

ROOT = Path(__file__).resolve().parents[2]
POLICY = "policies/organization.yaml"
APART = 20
"""Every so manieth mutant of another document meets the policy's rules in CEL, which are judged in a process
of their own: that takes longer than all the rest."""
SECONDS = 1.0
"""Of processor time, for one mutant."""


def corpus(root: Path) -> list[str]:
    """The documents of a repository, by path."""
    found = [*root.glob("policies/**/*.yaml"), *root.glob("releases/**/*.yaml")]
    return sorted(path.relative_to(root).as_posix() for path in found)


def repository(folder: Path) -> Path:
    """A copy of this repository's documents."""
    for part in ("policies", "releases"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("ledger", "*.py"))
    return folder


def verdict(root: Path, path: str) -> tuple[int, list[str]]:
    """Exit code of `check` of a document and of all that depend on it, and what is wrong with it."""
    try:
        result = check(root, only(path))
    except DpgateError as error:
        faults = [] if error.exit_code == 2 else [f"exit {error.exit_code}: {error.message}"]
        for problem in error.problems:
            faults += _place(root, problem.file, problem.line, problem.column)
            faults += _line(problem.message) + _line(problem.fix)
        return error.exit_code, faults
    faults = []
    for finding in result.findings:
        faults += _place(root, finding.file, finding.line, finding.column)
        faults += _line(finding.message) + _line(finding.fix)
    return (0 if result.allowed else 1), faults


def only(path: str) -> tuple[str, ...]:
    """What `check` is asked for: tests of the policy are not read unless they are named."""
    return (path,) if path.startswith("policies/tests/") else ()


def _place(root: Path, file: str, line: int, column: int) -> list[str]:
    if not line:
        return []
    text = (root / file).read_bytes().decode("utf-8", "replace")
    lines = re.split("\r\n|\r|\n", text)  # as editors count; others break lines at U+2028 too
    if line > len(lines) + 1 or (line <= len(lines) and column > len(lines[line - 1]) + 1):
        return [f"no such place: {file}:{line}:{column}"]
    return []


def _line(text: str) -> list[str]:
    return [] if text.isprintable() else [f"not one printable line: {text!r}"]


def refused_by_schema(data: bytes, schemas: dict[str, Any]) -> bool:
    """Whether the document can be read and its kind's JSON Schema refuses it."""
    try:
        value = parse("x", data).value
    except DpgateError:
        return False
    validator = schemas.get(str(value.get("kind")))
    return validator is not None and not validator.is_valid(
        json.loads(json.dumps(value, default=_plain))
    )


def _plain(value: object) -> object:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return str(value)


def _without_rules(policy: bytes) -> bytes:
    return re.sub(rb"(?m)^  catalogue:\n(?: {3,}.*\n|\n)+", b"", policy)


def validators() -> dict[str, Any]:
    """Validators of the published schemas, by kind."""
    found = {}
    for path in (ROOT / "schemas").glob("*.schema.json"):
        schema = json.loads(path.read_text())
        kind = schema.get("properties", {}).get("kind", {}).get("const")
        if kind:
            found[kind] = Draft202012Validator(schema)
    return found


def main(first: int, count: int) -> dict[str, Any]:
    """Checks mutants number `first` to `first + count - 1`."""
    codes: Counter[int] = Counter()
    failures: list[dict[str, Any]] = []
    slowest = 0.0
    schemas = validators()
    with tempfile.TemporaryDirectory() as folder:
        root = repository(Path(folder))
        files = corpus(root)
        originals = {path: (root / path).read_bytes() for path in files}
        for seed in range(first, first + count):
            path = random.Random(seed).choice(files)
            if seed % APART:
                (root / POLICY).write_bytes(_without_rules(originals[POLICY]))
            data = mutant(seed, originals[path].decode())
            (root / path).write_bytes(data)
            start = time.process_time()
            try:
                code, faults = verdict(root, path)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is a failure
                code, faults = -1, [f"{type(error).__name__}: {error}"]
            took = time.process_time() - start
            slowest = max(slowest, took)
            if took > SECONDS:
                faults.append(f"took {took:.1f} s")
            if code in (0, 1) and refused_by_schema(data, schemas):
                faults.append("the schema refuses it, check does not")
            codes[code] += 1
            if faults:
                failures.append({"seed": seed, "path": path, "faults": faults[:3]})
            for changed in (path, POLICY):
                (root / changed).write_bytes(originals[changed])
    return {
        "codes": dict(codes), "slowest_s": slowest, "peak_mib": _peak_mib(), "failures": failures,
    }  # fmt: skip


def _peak_mib() -> float:
    """Largest resident size of this program since it began, in MiB.

    Linux hands `ru_maxrss` on through `exec`: in a program that a large one started, it is the large one's.
    """
    status = Path("/proc/self/status")
    if status.exists():
        found = re.search(r"^VmHWM:\s+(\d+) kB$", status.read_text(), re.MULTILINE)
        assert found, "no VmHWM in /proc/self/status"
        return int(found[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]))) + "\n")
