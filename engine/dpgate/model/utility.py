"""Thresholds of a manifest's `utility`: what released rows must be good for, or they do not leave.

Each is measured on the private data at a cost, as a number of records that one row moves by a public
bound; two are computed without noise and gate only where the policy names them.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, ClassVar, Literal, Self, cast

from pydantic import Field, model_validator

from dpgate.model.joined import TableName
from dpgate.model.values import ColumnName, Frozen, Key, Positive, Probability, Share, exactly
from dpgate.model.workload import Weight

MeasureName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,49}$")]
Written = Annotated[str, Field(min_length=1, max_length=500)]
"""A condition as people write it: `visits>=1`, `health=poor|fair`."""
Columns = Annotated[tuple[ColumnName, ...], Field(min_length=1, max_length=100)]


class _Threshold(Frozen):
    restricted: ClassVar[bool] = False
    """Whether it is computed without noise, so that its verdict has no finite ε."""
    better: ClassVar[Literal["low", "high"]] = "low"
    """Which values are good."""

    weight: Weight = Decimal(1)
    """Its part of the budget for evidence, in proportion to the others' weights."""
    table: TableName | None = None
    """Which of two tables; left out where there is one."""

    @property
    def about(self) -> str | None:
        """What tells it apart from others of its metric, for people: `visits by plan`."""
        return None

    @property
    def named(self) -> tuple[str, ...]:
        """Columns that it names."""
        return ()

    @property
    def key(self) -> Key:
        """What its result is found by."""
        metric, order = getattr(self, "metric"), getattr(self, "order", None)  # noqa: B009
        return Key(metric=metric, order=order, about=self.about, table=self.table)

    @property
    def limit(self) -> Decimal:
        """The value at which it still passes: `at_most`, where it has one."""
        return cast("Decimal", getattr(self, "at_most"))  # noqa: B009

    @model_validator(mode="after")
    def _once(self) -> Self:
        for key in ("columns", "by", "where", "steps"):
            given = getattr(self, key, None) or ()
            if len(set(given)) != len(given):
                raise ValueError(f"{key} must be listed once each")
        return self


class MarginalTvd(_Threshold):
    """Total variation distance of all marginals of one order: their mean, or the largest."""

    metric: Literal["marginal_tvd", "worst_marginal_tvd"]
    order: Annotated[Literal[1, 2], exactly(int)]
    at_most: Share


class ColumnDistance(_Threshold):
    """Mean distance of single columns: `ks` and `wasserstein` of ordered ones, `chi_square` of lists."""

    metric: Literal["ks", "wasserstein", "chi_square"]
    columns: Columns | None = None
    """Absent: every column of that kind."""
    at_most: Positive

    @property
    def about(self) -> str | None:
        """Its columns, if it names any."""
        return ", ".join(self.columns) if self.columns else None

    @property
    def named(self) -> tuple[str, ...]:
        """Columns that it names."""
        return self.columns or ()


class Dependence(_Threshold):
    """Mean difference of dependences: `correlation` of ordered pairs, `cramers_v` (squared) of all."""

    metric: Literal["correlation", "cramers_v"]
    columns: Annotated[Columns, Field(min_length=2)] | None = None
    """Absent: every column of that kind."""
    at_most: Positive

    @property
    def about(self) -> str | None:
        """Its columns, if it names any."""
        return ", ".join(self.columns) if self.columns else None

    @property
    def named(self) -> tuple[str, ...]:
        """Columns that it names."""
        return self.columns or ()


class _Grouped(_Threshold):
    of: ColumnName
    by: Annotated[tuple[ColumnName, ...], Field(max_length=3)] = ()
    """Columns whose cells are the groups; none: one group of everybody."""

    @property
    def named(self) -> tuple[str, ...]:
        """Columns that it names."""
        return (self.of, *self.by)

    def _grouped(self, what: str) -> str:
        return what + (f" by {', '.join(self.by)}" if self.by else "")


class MeanError(_Grouped):
    """How far means by group are off, groups weighted by their rows, relative to the released mean."""

    metric: Literal["mean"]
    relative_error_at_most: Positive

    @property
    def about(self) -> str:
        """`visits by health`."""
        return self._grouped(self.of)

    @property
    def limit(self) -> Decimal:
        """The highest value that passes."""
        return self.relative_error_at_most


class QuantileError(_Grouped):
    """How many rows, as a share, lie between a quantile as released and the true one, over groups."""

    metric: Literal["quantile"]
    at: Probability
    rank_error_at_most: Share

    @property
    def about(self) -> str:
        """`visits at 0.9 by health`."""
        return self._grouped(f"{self.of} at {self.at.normalize():f}")

    @property
    def limit(self) -> Decimal:
        """The highest value that passes."""
        return self.rank_error_at_most


class Rate(_Threshold):
    """Parity of one business metric: the share of rows that satisfy all conditions."""

    metric: Literal["rate"]
    name: MeasureName
    where: Annotated[tuple[Written, ...], Field(min_length=1, max_length=6)]
    at_most: Share
    """Largest difference of the shares."""

    @property
    def about(self) -> str:
        """Its name."""
        return self.name


class Funnel(_Threshold):
    """Shares of rows that pass one step after the other: the largest difference at any step."""

    metric: Literal["funnel"]
    name: MeasureName
    steps: Annotated[tuple[Written, ...], Field(min_length=2, max_length=6)]
    at_most: Share

    @property
    def about(self) -> str:
        """Its name."""
        return self.name


class Subgroups(_Threshold):
    """Fidelity within subgroups, or of rare ones.

    `subgroup_tvd`: the worst subgroup's mean distance of the other columns. `rare_events`: the share
    of rows in cells that the release under-represents more than twofold.
    """

    metric: Literal["subgroup_tvd", "rare_events"]
    columns: Annotated[Columns, Field(max_length=4)]
    """Their combinations are the subgroups."""
    at_most: Share

    @property
    def about(self) -> str:
        """`sex × age_group`."""
        return " × ".join(self.columns)

    @property
    def named(self) -> tuple[str, ...]:
        """Columns that it names."""
        return self.columns


class Prediction(_Threshold):
    """A model of the target, trained on released rows and tested on real ones: AUC, or R²."""

    better: ClassVar[Literal["low", "high"]] = "high"
    metric: Literal["prediction"]
    target: ColumnName
    at_least: Probability

    @property
    def about(self) -> str:
        """The target."""
        return self.target

    @property
    def named(self) -> tuple[str, ...]:
        """Columns that it names."""
        return (self.target,)

    @property
    def limit(self) -> Decimal:
        """The lowest value that passes."""
        return self.at_least


class PredictionRatio(_Threshold):
    """The same as a share of what a model trained on real rows reaches; without noise."""

    restricted: ClassVar[bool] = True
    better: ClassVar[Literal["low", "high"]] = "high"
    metric: Literal["prediction_ratio"]
    target: ColumnName
    at_least: Annotated[Positive, Field(le=1)]

    @property
    def about(self) -> str:
        """The target."""
        return self.target

    @property
    def named(self) -> tuple[str, ...]:
        """Columns that it names."""
        return (self.target,)

    @property
    def limit(self) -> Decimal:
        """The lowest value that passes."""
        return self.at_least


class Detectability(_Threshold):
    """AUC of a classifier that tells released rows from real ones, 0.5 at best; without noise."""

    restricted: ClassVar[bool] = True
    metric: Literal["detectability"]
    at_most: Probability


Threshold = Annotated[
    MarginalTvd
    | ColumnDistance
    | Dependence
    | MeanError
    | QuantileError
    | Rate
    | Funnel
    | Subgroups
    | Prediction
    | PredictionRatio
    | Detectability,
    Field(discriminator="metric"),
]
"""One threshold of `utility`."""
