"""How a network is trained: public choices, fixed before the data is opened."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field, StrictInt

from dpgate.model.values import Frozen, Positive


class Training(Frozen):
    """Of synthesizers that train a network (`dp-ctgan`, `dp-tvae`); what is left out has a default.

    Defaults follow from the public bound on rows and the synthesizer, never from the data.
    """

    steps: Annotated[StrictInt, Field(ge=1, le=10**6)] | None = None
    """Steps of DP-SGD on private rows."""
    batch: Annotated[StrictInt, Field(ge=1, le=10**7)] | None = None
    """Rows of a step (persons, where the dataset names them and they have several), on average: the
    sampling rate is this over the public bound on rows."""
    clip: Annotated[Positive, Field(le=1000)] = Decimal("0.3")
    """Largest L2 norm of one row's gradient; of a person's, where persons are sampled."""
    learning_rate: Annotated[Positive, Field(le=1)] | None = None
    """Of Adam."""
    width: Annotated[StrictInt, Field(ge=1, le=4096)] = 128
    """Neurons of a hidden layer of the network that sees private rows."""
    latent: Annotated[StrictInt, Field(ge=1, le=1024)] = 16
    """Normal numbers that a row is generated from."""
    at_once: Annotated[StrictInt, Field(ge=1, le=10**6)] = 1024
    """Rows whose gradients are computed together: more is faster and takes more memory, and
    changes nothing else."""
    processes: Annotated[StrictInt, Field(ge=1, le=64)] = 1
    """That compute gradients, the one that runs the gate included: changes nothing but time."""
