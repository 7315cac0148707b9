"""The Release document: what leaves, for whom, at what cost."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import (
    Field,
    StrictBool,
    StrictInt,
    ValidationInfo,
    field_validator,
    model_validator,
)

from dpgate.model.attacks import AttackLimit, ThreatModel
from dpgate.model.formats import Formats
from dpgate.model.increment import Increment
from dpgate.model.joined import JoinedRows
from dpgate.model.statistics import Statistics
from dpgate.model.training import Training
from dpgate.model.utility import Threshold
from dpgate.model.values import (
    ColumnName,
    Date,
    Frozen,
    Name,
    Positive,
    Region,
    Share,
    Text,
)
from dpgate.model.workload import Workload


class Synthesize(Frozen):
    """How the rows are made."""

    with_: Annotated[Name, Field(alias="with")]
    """Synthesizer; the policy must allow it for every class of column."""
    rows: Annotated[StrictInt, Field(ge=1, le=10**10)]
    """Rows to release: a public choice, not the size of the data."""
    formats: Formats = ("parquet",)
    """Files that are written; each is one format of the same rows."""
    model_mebibytes: Annotated[StrictInt, Field(ge=1, le=4096)] | None = None
    """Largest size of the model's tables, of synthesizers that choose among models (`aim`: 1)."""
    training: Training | None = None
    """How a network is trained, of synthesizers that train one."""
    keep_model: StrictBool = False
    """Whether the fitted model is released with the rows, so that more can be drawn from it at no
    further cost: `dpgate sample`."""
    joined: JoinedRows | None = None
    """How rows of the dataset's second table are made, if it has one."""


class Privacy(Frozen):
    """What the release may cost."""

    epsilon: Positive
    """Total ε of this release alone, evidence included, at its own δ."""
    delta: Share
    """0: pure ε; for statistics with Laplace noise alone."""
    evidence_share: Share = Decimal(0)
    """Part of the release's ρ that measures its own utility; synthetic rows only."""


class Retention(Frozen):
    """Until when recipients may hold the data."""

    expires: Date


class ReleaseSpec(Frozen):
    """What a Release says."""

    dataset: Name
    purpose: Name
    recipients: Annotated[tuple[Name, ...], Field(min_length=1)]
    regions: Annotated[tuple[Region, ...], Field(min_length=1)]
    """ISO 3166 codes of the countries that the data goes to."""
    columns: Annotated[tuple[ColumnName, ...], Field(min_length=1)]
    """Columns that are read: those of the rows, or those that the queries are about."""
    synthesize: Synthesize | None = None
    """Synthetic rows. Either this or `statistics`."""
    statistics: Statistics | None = None
    """Noisy answers to queries. Either this or `synthesize`."""
    workload: Workload | None = None
    """The tables of the rows that should come out right; left out, all pairs of columns alike."""
    privacy: Privacy
    utility: Annotated[tuple[Threshold, ...], Field(max_length=100)] = ()
    """Thresholds that synthetic rows must meet, or nothing is released (and the cost is spent)."""
    threat_model: ThreatModel | None = None
    """Whom the rows are to withstand, and which attacks are run; absent: none."""
    attacks: Annotated[tuple[AttackLimit, ...], Field(max_length=100)] = ()
    """How well attacks may do at most, or nothing is released (and the cost is spent)."""
    increment: Increment | None = None
    """That this is a further period of an earlier release. The same people may be in both: the
    ledger composes their costs."""
    retention: Retention
    terms: tuple[Name, ...] = ()

    @field_validator("workload")
    @classmethod
    def _about_released(cls, workload: Workload | None, info: ValidationInfo) -> Workload | None:
        columns = info.data.get("columns")
        if workload is None or columns is None:  # columns have problems of their own
            return workload
        unknown = sorted(workload.named - set(columns))
        if unknown:
            raise ValueError(f"it names columns that are not released: {', '.join(unknown)}")
        return workload

    @model_validator(mode="after")
    def _consistent(self) -> ReleaseSpec:
        for what in ("columns", "recipients", "regions", "terms"):
            given = getattr(self, what)
            if len(set(given)) != len(given):
                raise ValueError(f"{what} must be listed once each")
        if (self.synthesize is None) == (self.statistics is None):
            raise ValueError(
                "a release makes either rows or numbers: give synthesize or statistics"
            )
        self._suits_what_it_makes()
        self._evidence_agrees()
        return self

    def _evidence_agrees(self) -> None:
        for what, keys in (
            ("utility", [each.key for each in self.utility]),
            ("attacks", [each.key for each in self.attacks]),
        ):
            twice = next((key for key in keys if keys.count(key) > 1), None)
            if twice is not None:
                raise ValueError(f"{what} may hold one threshold for each measure; twice: {twice}")
        if self.attacks and self.threat_model is None:
            raise ValueError("attacks need a threat_model, which says what the adversary knows")
        charged = self.attacks or self.threat_model or [u for u in self.utility if not u.restricted]
        if charged and not self.privacy.evidence_share:
            raise ValueError(
                "utility thresholds and attacks are measured at a cost: evidence_share must be above 0"
            )

    def _suits_what_it_makes(self) -> None:
        if self.statistics is None:
            if len(self.columns) < 2:
                raise ValueError("synthesize needs at least 2 columns")
            if not self.privacy.delta:
                raise ValueError("synthesizers are zCDP: delta must be above 0")
            return
        if self.workload is not None:
            raise ValueError("a workload is for synthetic rows; statistics name their own tables")
        if self.utility or self.threat_model or self.privacy.evidence_share:
            raise ValueError(
                "utility, attacks and evidence_share are for synthetic rows; statistics carry their own "
                "accuracy: say error_at_most in a query"
            )
        noisy = [
            q.name for q in self.statistics.queries if self.statistics.noise_of(q) != "laplace"
        ]
        if noisy and not self.privacy.delta:
            raise ValueError(
                f"Gaussian noise needs delta above 0 (query {noisy[0]}): say noise: laplace, or a delta"
            )

    @property
    def attacked(self) -> tuple[str, ...]:
        """Attacks that are run: those feared, then others with a threshold."""
        fears = self.threat_model.fears if self.threat_model else ()
        return tuple(dict.fromkeys((*fears, *(each.attack for each in self.attacks))))

    @property
    def unprotected_bits(self) -> int:
        """Bits about the private data that no ε covers: one for each threshold without noise."""
        return sum(each.restricted for each in self.utility)

    @property
    def type(self) -> Literal["synthetic", "statistics"]:
        """Type of release, as quotas name it."""
        return "synthetic" if self.statistics is None else "statistics"


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

    @model_validator(mode="after")
    def _continues_another(self) -> Release:
        if self.spec.increment is not None and self.spec.increment.of == self.metadata.name:
            raise ValueError("increment names the release before this one, not this one")
        return self
