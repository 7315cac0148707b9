"""What the verbs about the ledger return: frozen, typed, and the same in JSON."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from dpgate.gate.results import Open, ScopeRow
from dpgate.model.values import Frozen, Recorded


class LedgerRow(Frozen):
    """One entry, in a line."""

    entry: int
    time: str
    kind: str
    release: str
    summary: str
    digest: str


class LedgerResult(Frozen):
    """The ledger as people read it."""

    schema_: Annotated[Literal["dpgate.ledger/v1"], Field(alias="schema")] = "dpgate.ledger/v1"
    root: str
    delta: Recorded
    scopes: tuple[ScopeRow, ...]
    rows: tuple[LedgerRow, ...]
    open: tuple[Open, ...]


class Term(Frozen):
    """One line of an explanation: what was computed, and its value."""

    label: str
    value: str


class ExplainResult(Frozen):
    """One entry, with its arithmetic."""

    schema_: Annotated[Literal["dpgate.explain/v1"], Field(alias="schema")] = "dpgate.explain/v1"
    entry: int
    title: str
    terms: tuple[Term, ...]


class WhatIfResult(Frozen):
    """How many more releases of a kind would fit."""

    schema_: Annotated[Literal["dpgate.what-if/v1"], Field(alias="schema")] = "dpgate.what-if/v1"
    release: str
    epsilon: Recorded
    delta: Recorded
    asked: int
    fitting: int
    """How many fit one after the other today, up to those asked for."""
    first_full: str
    """The scope that is full first, or empty."""
    scopes_delta: Recorded
    """δ at which the scopes are stated."""
    scopes: tuple[ScopeRow, ...]
    """After those that fit; `this` is what they add together."""
    added_up: Recorded
    """ε if the ε's alone were added instead of composed: information."""


class LogLine(Frozen):
    """One entry as a sentence."""

    entry: int
    time: str
    text: str


class LogResult(Frozen):
    """The ledger as sentences."""

    schema_: Annotated[Literal["dpgate.log/v1"], Field(alias="schema")] = "dpgate.log/v1"
    root: str
    lines: tuple[LogLine, ...]


class RecoverResult(Frozen):
    """A reservation that was closed as abandoned."""

    schema_: Annotated[Literal["dpgate.recover/v1"], Field(alias="schema")] = "dpgate.recover/v1"
    release: str
    reserve: int
    settle: int
    deleted_staging: bool
    """Whether staged files were found on this machine, and deleted."""
    next: str


class CheckpointResult(Frozen):
    """A head that somebody vouches to have seen."""

    schema_: Annotated[Literal["dpgate.checkpoint/v1"], Field(alias="schema")] = (
        "dpgate.checkpoint/v1"
    )
    entry: int
    root: str
    head: str
    note: str
    path: str
    next: str
