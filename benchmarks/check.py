"""`dpgate check` of a large repository: `python -m benchmarks.check [FOLDER] [--profile]`.

1,000 manifests of ten datasets against a policy with 200 rules, then one manifest with five rules and
with none, each in a process of its own.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import dpgate

MANIFESTS, DATASETS, RULES, REPEATS = 1_000, 10, 200, 7

_FORMS = (
    ('release.purpose in ["vendor-testing", "research"]', "release.epsilon <= {n}.5"),
    ('"phi" in dataset.sensitivities', 'release.regions.all(r, r in ["US", "CA", "C{n}"])'),
    ("true", 'dataset.columns.all(c, c.sensitivity != "genetic-{n}")'),
    ('release.type == "synthetic"', "release.delta * double(dataset.rows_at_most) < 1.0"),
    ("dataset.quasi_identifiers.size() > 3", 'release.terms.exists(t, t == "no-reidentification")'),
    ("clock.year >= 2026", 'release.recipients.all(r, r.matches("^[a-z0-9-]+$") && r != "x{n}")'),
)


def rules(count: int) -> str:
    """So many rules, as YAML; they hold."""
    made = []
    for number in range(count):
        when, held = (text.replace("{n}", str(number + 1)) for text in _FORMS[number % len(_FORMS)])
        made.append(
            f"    - id: rule-{number}\n      title: Rule {number}\n      when: '{when}'\n"
            f"      assert: '{held}'\n      message: 'rule {number}: {{release.epsilon}}'\n"
        )
    return "  rules:\n" + "".join(made) if count else ""


def repository(folder: Path, manifests: int, datasets: int, count: int) -> Path:
    """A release repository with so many manifests, datasets and rules."""
    dpgate.init(folder, keys=folder.with_suffix(".keys"))
    home = folder / "releases" / "clinic-visits"
    dataset = (home / "dataset.yaml").read_text()
    manifest = (home / "vendor-testing" / "release.yaml").read_text()
    policy = folder / "policies" / "organization.yaml"
    policy.write_text(
        policy.read_text().replace("  policy_change:", rules(count) + "  policy_change:")
    )
    shutil.rmtree(home)
    for each in range(datasets):
        name = f"visits-{each}"
        (folder / "releases" / name).mkdir()
        text = dataset.replace("name: clinic-visits", f"name: {name}")
        (folder / "releases" / name / "dataset.yaml").write_text(text)
    for number in range(manifests):
        name, release = f"visits-{number % datasets}", f"release-{number}"
        text = manifest.replace("vendor-testing, owner", f"{release}, owner")
        place = folder / "releases" / name / release
        place.mkdir()
        (place / "release.yaml").write_text(
            text.replace("dataset: clinic-visits", f"dataset: {name}")
        )
    return folder


def run(folder: Path, *, profile: bool = False) -> tuple[float, float]:
    """Wall and processor seconds of one check, its child's included."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    how = ["-m", "cProfile", "-s", "tottime"] if profile else []
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, *how, "-m", "dpgate.cli.main", "check"], cwd=folder, check=False,
        capture_output=not profile, env={**os.environ, "DPGATE_STATE": str(folder / "state")},
    )  # fmt: skip
    if done.returncode:
        sys.exit((done.stdout or b"").decode() + (done.stderr or b"").decode())
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - start, used


def main() -> None:
    """Make the repositories, and time them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, help="where to make them")
    parser.add_argument("--profile", action="store_true", help="show what the time went to")
    given = parser.parse_args()
    scratch = given.folder or Path(tempfile.mkdtemp())
    large = repository(scratch / "large", MANIFESTS, DATASETS, RULES)
    wall, used = run(large, profile=given.profile)
    print(f"{MANIFESTS} manifests, {RULES} rules: {wall:.1f} s, {used:.1f} s of processor time")
    for count in (0, 5):
        small = repository(scratch / f"small-{count}", 1, 1, count)
        best = min(run(small) for _ in range(REPEATS))
        print(f"1 manifest, {count} rules: {best[0]:.2f} s, {best[1]:.2f} s of processor time")


if __name__ == "__main__":
    main()
