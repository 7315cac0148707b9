"""Increments: a new period's rows of the same population, as a manifest that says so."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from dpgate.model.values import Frozen, Name


class Increment(Frozen):
    """That a release continues an earlier one of its dataset."""

    of: Name
    """The release before it in the series; it must stand."""
    period: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,30}$")]
    """What its rows are of: `2026-Q4`. Once in a series."""
