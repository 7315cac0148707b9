"""Limits of a dataset: numbers of the organization's policy that are lower for its releases."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StrictInt

from dpgate.model.policy import Limit, Quota, RetentionLimit
from dpgate.model.values import Frozen, Name, Positive, Probability


class ClassLimit(Frozen):
    """A lower limit for columns of one sensitivity class."""

    epsilon_per_release_at_most: Positive


class Limits(Frozen):
    """What a dataset allows less of than the organization does. It can never allow more."""

    epsilon_per_release_at_most: Positive | None = None
    """ε of one release, whatever its columns."""
    classes: dict[Name, ClassLimit] = Field(default_factory=dict)
    """ε of one release by the class of its columns."""
    delta_at_most: Probability | None = None
    """δ of one release."""
    retention: RetentionLimit | None = None
    rows_at_most: Annotated[StrictInt, Field(ge=1)] | None = None
    """Synthetic rows of one release."""
    lifetime: Limit | None = None
    """ε of everything charged to the dataset's population, at which its own releases stop."""
    quotas: tuple[Quota, ...] = ()
    """Narrower limits within it, again for this dataset's releases alone."""
