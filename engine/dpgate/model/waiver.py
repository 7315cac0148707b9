"""The Waiver document: one soft rule, set aside for one release, until one day."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator

from dpgate.model.values import Date, Frozen, Name, ReleaseId, Text, printable


def _one_line(text: str) -> str:
    if not printable(
        text
    ):  # it is shown in terminals and logs, where a new line could say anything
        raise ValueError("a reason and a ticket are one line of printable characters")
    return text


Line = Annotated[Text, AfterValidator(_one_line)]


class WaiverSpec(Frozen):
    """What a Waiver says. It is about one rule and one release, and never about more."""

    rule: Name
    """Id of the rule that is set aside; its enforcement must be `soft`."""
    release: ReleaseId
    """``dataset/release``."""
    reason: Line
    """Why the release may go out although the rule would stop it."""
    ticket: Line
    """Where the decision is written down: an id or an address."""
    expires: Date
    """The last day it counts, in the policy's time zone."""


class WaiverMetadata(Frozen):
    """Names of a waiver."""

    name: Name
    """That of its file."""
    owner: Name
    """Who asked for it, and sees to it that it is not needed again."""
    title: Text | None = None


class Waiver(Frozen):
    """Sets one soft rule aside for one release; it counts once the policy's roles signed it."""

    apiVersion: Literal["dpgate/v1"]  # noqa: N815 - the documents' own spelling
    kind: Literal["Waiver"]
    metadata: WaiverMetadata
    spec: WaiverSpec
