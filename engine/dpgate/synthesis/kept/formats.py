"""Kinds of models that can be kept, ours and third parties', through entry points."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Protocol, cast

from dpgate.errors import SynthesisError
from dpgate.model.domain import ColumnDomain, Domain
from dpgate.synthesis.interface import Model, Synthesizer

if TYPE_CHECKING:
    from dpgate.synthesis.kept.container import Parts

GROUP = "dpgate.models"
NAME = "model.dpgate"
"""File name of a kept model among the files of its release."""


class Format(Protocol):
    """A member of the entry point group `dpgate.models`, named by its kind; made without arguments.

    It must not run, import or open anything that a file names.
    """

    def holds(self, model: Model) -> bool:
        """Whether the model is of this kind."""

    def pack(self, model: Model, stamp: Mapping[str, str], domain: Domain) -> Parts:
        """The model in plain values.

        Privacy:
            Whatever it returns is published. A model holds noisy numbers and public ones alone.
        """

    def unpack(self, parts: Parts, domain: Domain) -> Model:
        """The model again.

        Args:
            parts: from a file that anybody may have written; its domain was compared already.
            domain: of the release, from its recorded documents.

        Raises:
            SynthesisError: the parts make no model of this domain.
        """


def require(synthesizer: Synthesizer) -> None:
    """Raise unless models of a synthesizer can be kept; asked before anything is spent.

    A synthesizer whose models are of a kind of its own names it in an attribute `model_kind`;
    without one it makes directed models.

    Raises:
        SynthesisError: no format of its kind is installed.
    """
    get(getattr(synthesizer, "model_kind", "directed"))


def dump(model: Model, stamp: Mapping[str, str], domain: Domain) -> bytes:
    """The file of a fitted model.

    Raises:
        SynthesisError: no installed format holds such a model, or it is too large.

    Privacy:
        Post-processing: the model is made of noisy numbers and public ones alone.
    """
    from dpgate.synthesis.kept import container

    for point in entry_points(group=GROUP):
        made = get(point.name)
        if made.holds(model):
            return container.dump(made.pack(model, stamp, domain))
    raise SynthesisError(f"no format keeps a {type(model).__name__}", fix="do without keep_model")


def load(data: bytes, domain: Domain) -> Model:
    """The model of a file that anybody may have written.

    Args:
        data: the file.
        domain: of the release, from its recorded documents.

    Raises:
        SynthesisError: it is no kept model, of an unknown kind, or about other columns.
    """
    from dpgate.synthesis.kept import container

    parts = container.load(data)
    if list(parts.domain) != [described(column) for column in domain.columns]:
        raise SynthesisError(
            "the kept model is about other columns or cells than the release",
            fix="use the version of dpgate that made the release, and its own model.dpgate",
        )
    return get(parts.kind).unpack(parts, domain)


def get(kind: str) -> Format:
    """The format of that kind.

    Raises:
        SynthesisError: there is none, or several.
    """
    found = list(entry_points(group=GROUP, name=kind))
    if len(found) != 1:
        known = ", ".join(sorted({point.name for point in entry_points(group=GROUP)}))
        raise SynthesisError(
            f"no single format keeps models of kind {kind[:60]!r}", fix=f"kinds: {known}"
        )
    return cast("Format", found[0].load()())


def described(column: ColumnDomain) -> dict[str, Any]:
    """What a file says of a column: its public cells, as text."""
    bins = zip(column.lows, column.highs, strict=True)
    return {
        "name": column.name,
        "kind": column.kind,
        "bins": [[str(low), str(high)] for low, high in bins],
        "values": [str(value) for value in column.values],
        "null": column.null is not None,
    }
