"""Environments of processes that are interrupted."""

from __future__ import annotations

from collections.abc import Mapping


def unmeasured(environment: Mapping[str, str]) -> dict[str, str]:
    """Without coverage, which holds a lock whenever new code is seen.

    An interrupt that it meets there leaves the lock taken, and the process waits for it forever.
    """
    return {key: value for key, value in environment.items() if not key.startswith("COVERAGE_")}
