"""Writes the RAND Health Insurance Experiment to a Parquet file, as dataset.yaml describes it.

    python releases/rand-health/load.py ~/private/rand-health.parquet

The data comes with the Python package statsmodels (public domain): 20,190 person-years, names and
values as in its codebook. A real steward's loader reads a warehouse instead; the rule is the same:
private rows never enter the work tree, so a path there is refused unless Git ignores it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def git_would_track(path: Path) -> bool:
    """Whether the path lies in this file's work tree and no rule ignores it."""
    top = _git("rev-parse", "--show-toplevel")
    if top.returncode or not path.is_relative_to(Path(top.stdout.strip()).resolve()):
        return False
    return _git("check-ignore", "--quiet", str(path)).returncode != 0


def _git(*arguments: str) -> subprocess.CompletedProcess[str]:
    # S607: the Git that the user has; S603: a fixed command, and a path as its last word.
    return subprocess.run(  # noqa: S603
        ["git", "-C", str(HERE), *arguments],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )


def write(path: Path) -> None:
    """Write the person-years; the package holds no person id and no identifier."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from statsmodels.datasets import randhie

    frame = randhie.load_pandas().data
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), path)


def main() -> int:
    """Run as a script; 2 where the path cannot be used."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("out", type=Path, metavar="OUT.parquet", help="a file outside Git")
    path = parser.parse_args().out.expanduser().resolve()
    if git_would_track(path):
        print(f"{path} is inside the work tree and Git would track it", file=sys.stderr)
        print("  fix: choose a folder outside the repository", file=sys.stderr)
        return 2
    if not path.parent.is_dir():
        print(f"no such folder: {path.parent}", file=sys.stderr)
        return 2
    write(path)
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
