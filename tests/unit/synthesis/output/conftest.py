"""The server that SQL scripts are loaded into."""

from __future__ import annotations

from tests.unit.sources.conftest import postgres

__all__ = ["postgres"]
