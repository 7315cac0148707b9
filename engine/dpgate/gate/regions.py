"""What findings are about: the release, and the whole word that reports underline."""

from __future__ import annotations

from collections.abc import Iterable

from dpgate.loading.documents import Loaded
from dpgate.model.finding import Finding


def with_ends(findings: Iterable[Finding], files: Iterable[Loaded]) -> tuple[Finding, ...]:
    """Findings, each with the end of the key or value at its place where a file of these knows it."""
    known = {loaded.file: loaded.parsed.ends for loaded in files}
    return tuple(_with_end(finding, known) for finding in findings)


def _with_end(
    finding: Finding, known: dict[str, dict[tuple[int, int], tuple[int, int]]]
) -> Finding:
    end = known.get(finding.file, {}).get((finding.line, finding.column))
    if end is None or finding.end_line:
        return finding
    return finding.model_copy(update={"end_line": end[0], "end_column": end[1]})


def about(findings: Iterable[Finding], release: str) -> tuple[Finding, ...]:
    """Findings that say which release was judged."""
    return tuple(finding.model_copy(update={"release": release}) for finding in findings)
