"""The Release document: what leaves, for whom, at what cost."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictInt, model_validator

from dpgate.model.values import (
    ColumnName,
    Date,
    Frozen,
    Name,
    Positive,
    Probability,
    Share,
    Text,
    exactly,
)

Format = Literal["parquet", "csv", "jsonl", "avro", "arrow", "sql"]


class Synthesize(Frozen):
    """How the rows are made."""

    with_: Annotated[Name, Field(alias="with")]
    """Synthesizer; the policy must allow it for every class of column."""
    rows: Annotated[StrictInt, Field(ge=1, le=10**10)]
    """Rows to release: a public choice, not the size of the data."""
    formats: Annotated[tuple[Format, ...], Field(min_length=1)] = ("parquet",)
    """Files that are written; each is one format of the same rows."""
    keep_model: StrictBool = False
    """Whether the fitted model is released with the rows, so that more can be drawn from it at no
    further cost: `dpgate sample`."""


class Privacy(Frozen):
    """What the release may cost."""

    epsilon: Positive
    """Total ε of this release alone, evidence included, at its own δ."""
    delta: Probability
    evidence_share: Share
    """Part of the release's ρ that measures its own utility."""


class MarginalTvd(Frozen):
    """Mean total variation distance over all marginals of one order."""

    metric: Literal["marginal_tvd"]
    order: Annotated[Literal[1, 2], exactly(int)]
    at_most: Share


class Retention(Frozen):
    """Until when recipients may hold the data."""

    expires: Date


class ReleaseSpec(Frozen):
    """What a Release says."""

    dataset: Name
    purpose: Name
    recipients: Annotated[tuple[Name, ...], Field(min_length=1)]
    regions: Annotated[
        tuple[Annotated[str, Field(pattern=r"^[A-Z]{2}$")], ...], Field(min_length=1)
    ]
    """ISO 3166 codes of the countries that the data goes to."""
    columns: Annotated[tuple[ColumnName, ...], Field(min_length=2)]
    synthesize: Synthesize
    privacy: Privacy
    utility: tuple[MarginalTvd, ...] = ()
    """Thresholds that the result must meet, or nothing is released (and the cost is spent)."""
    retention: Retention
    terms: tuple[Name, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> ReleaseSpec:
        for what in ("columns", "recipients", "regions", "terms"):
            given = getattr(self, what)
            if len(set(given)) != len(given):
                raise ValueError(f"{what} must be listed once each")
        orders = [u.order for u in self.utility]
        if len(set(orders)) != len(orders):
            raise ValueError("utility may hold one threshold for each metric and order")
        if self.utility and not self.privacy.evidence_share:
            raise ValueError(
                "utility thresholds are measured at a cost: evidence_share must be above 0"
            )
        return self


class ReleaseMetadata(Frozen):
    """Names of a release."""

    name: Name
    title: Text | None = None
    owner: Name


class Release(Frozen):
    """One intended release of one dataset."""

    apiVersion: Literal["dpgate/v1"]  # noqa: N815 - the documents' own spelling
    kind: Literal["Release"]
    metadata: ReleaseMetadata
    spec: ReleaseSpec
