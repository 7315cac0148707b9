"""Formats that files of a release can have."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

Format = Literal["parquet", "csv", "jsonl", "avro", "arrow", "sql"]

Formats = Annotated[tuple[Format, ...], Field(min_length=1)]
