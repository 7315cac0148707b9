"""Trained generators as plain arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from dpgate.model.domain import Domain
from dpgate.synthesis.interface import Model
from dpgate.synthesis.kept.arrays import SLACK, broken, finite, probabilities
from dpgate.synthesis.kept.container import Parts
from dpgate.synthesis.kept.formats import described
from dpgate.synthesis.sampling.network import Layer, NetworkModel

if TYPE_CHECKING:
    from dpgate.synthesis.kept.container import Array
    from dpgate.synthesis.sampling.network import Weights

_MOST_LAYERS = 16


class NetworkFormat:
    """Kind `network`; a member of the `Format` protocol."""

    def holds(self, model: Model) -> bool:
        """Whether the model is of this kind."""
        return isinstance(model, NetworkModel)

    def pack(self, model: Model, stamp: Mapping[str, str], domain: Domain) -> Parts:
        """The generator's weights, the noisy shares of its conditions, the total; nothing else.

        Privacy:
            No weight of a network that saw private rows and is not needed to draw (a discriminator,
            an encoder), and no state of an optimizer, is in a model.
        """
        if not isinstance(model, NetworkModel):
            raise TypeError(f"no network: {type(model).__name__}")
        arrays: dict[str, Array] = {
            "total": np.array([model.total], dtype=np.float64),
            "slope": np.array([model.slope], dtype=np.float64),
        }
        for place, layer in enumerate(model.layers):
            arrays[f"weight.{place}"] = layer.weight.astype(np.float64)
            arrays[f"bias.{place}"] = layer.bias.astype(np.float64)
        for place, shares in enumerate(model.shares or ()):
            arrays[f"shares.{place}"] = shares
        return Parts(
            kind="network",
            stamp=stamp,
            domain=tuple(described(column) for column in domain.columns),
            facts={
                "conditional": model.shares is not None,
                "latent": model.latent,
                "layers": len(model.layers),
            },
            arrays=arrays,
        )

    def unpack(self, parts: Parts, domain: Domain) -> NetworkModel:
        """The model again, if it is one of this domain.

        Raises:
            SynthesisError: it is not.
        """
        conditional, latent, count = _facts(parts)
        names = {"total", "slope", *(f"{w}.{n}" for w in ("weight", "bias") for n in range(count))}
        if conditional:
            names |= {f"shares.{place}" for place in range(len(domain))}
        if parts.arrays.keys() != names:
            raise broken("arrays are missing, or too many")
        (total,) = probabilities(parts.arrays["total"], (1,), "the total")
        (slope,) = probabilities(parts.arrays["slope"], (1,), "the slope")
        cells = sum(domain.sizes)
        return NetworkModel(
            domain=domain,
            layers=_layers(parts, count, latent + conditional * cells, cells),
            slope=float(slope),
            latent=latent,
            shares=_shares(parts, domain) if conditional else None,
            total=float(total),
        )


def _facts(parts: Parts) -> tuple[bool, int, int]:
    facts = parts.facts
    if facts.keys() != {"conditional", "latent", "layers"}:
        raise broken("a network says whether it is conditional, how wide it begins, how deep it is")
    conditional, latent, count = facts["conditional"], facts["latent"], facts["layers"]
    if type(conditional) is not bool or type(latent) is not int or type(count) is not int:
        raise broken("what it says of its network has another type")
    if not 1 <= latent <= 2**16 or not 1 <= count <= _MOST_LAYERS:
        raise broken("a network has another size")
    return conditional, latent, count


def _layers(parts: Parts, count: int, width: int, cells: int) -> tuple[Layer, ...]:
    """Layers that fit together, from the first width to a score for each cell."""
    layers = []
    for place in range(count):
        shape = parts.arrays[f"bias.{place}"].shape
        if len(shape) != 1 or not shape[0]:
            raise broken(f"layer {place} has another shape")
        weight = finite(parts.arrays[f"weight.{place}"], (shape[0], width), f"layer {place}")
        bias = finite(parts.arrays[f"bias.{place}"], shape, f"layer {place}")
        layers.append(Layer(weight=weight, bias=bias))
        width = shape[0]
    if width != cells:
        raise broken("its last layer has no score for each cell")
    return tuple(layers)


def _shares(parts: Parts, domain: Domain) -> tuple[Weights, ...]:
    shares = tuple(
        probabilities(parts.arrays[f"shares.{place}"], (column.size,), f"column {column.name}")
        for place, column in enumerate(domain.columns)
    )
    if any(abs(float(share.sum()) - 1.0) > SLACK for share in shares):
        raise broken("the shares of a column do not sum to 1")
    return shares
