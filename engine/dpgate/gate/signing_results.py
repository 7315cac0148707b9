"""What `refuse` and `author` return."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from dpgate.model.values import Frozen


class RefuseResult(Frozen):
    """A refusal that was written."""

    schema_: Annotated[Literal["dpgate.refuse/v1"], Field(alias="schema")] = "dpgate.refuse/v1"
    subject: str
    role: str
    key: str
    path: str
    reason: str
    next: str


class AuthorResult(Frozen):
    """An author's signature that was written."""

    schema_: Annotated[Literal["dpgate.author/v1"], Field(alias="schema")] = "dpgate.author/v1"
    subject: str
    role: str
    key: str
    path: str
    next: str
