"""The limit that holds for a dataset's releases: the organization's, or a lower one of its own.

Budgets are lowered where scopes are made, in `dpgate.policy.scopes`; all other numbers here. A
dataset's limit that is above the organization's never counts, and is an error that names both.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import cast

from dpgate.loading.documents import Loaded
from dpgate.loading.yaml import Path
from dpgate.model.dataset import Dataset
from dpgate.model.finding import Finding
from dpgate.model.limits import Limits
from dpgate.model.policy import PrivacyPolicy, Quota
from dpgate.model.values import plain, short

_EMPTY = Limits()


@dataclass(frozen=True)
class Ceiling:
    """A limit that holds, and who set it."""

    value: Decimal
    path: Path = ()
    """Where in the dataset's limits it stands; empty: the organization set it."""

    def words(self, dataset_file: Loaded) -> str:
        """Who lowered it, for the end of a message; "" for the organization's own."""
        return lowered_by(dataset_file, self.path)


def lowered_by(dataset_file: Loaded, path: Path) -> str:
    """What a message says of a limit that the dataset lowered; "" for an empty path."""
    if not path:
        return ""
    line, column = dataset_file.at("spec", "limits", *path)
    return f"; lowered by {dataset_file.file}:{line}:{column}"


def limits_of(dataset: Dataset) -> Limits:
    """A dataset's limits; empty ones if it sets none."""
    return dataset.spec.limits or _EMPTY


def class_epsilon(policy: PrivacyPolicy, dataset: Dataset, name: str) -> Ceiling:
    """ε that one release with columns of a class of the policy may have."""
    most = policy.spec.classes[name].epsilon_per_release_at_most
    own = limits_of(dataset)
    ceiling = Ceiling(most)
    if name in own.classes:
        value = own.classes[name].epsilon_per_release_at_most
        ceiling = _lower(ceiling, value, "classes", name, "epsilon_per_release_at_most")
    return _lower(ceiling, own.epsilon_per_release_at_most, "epsilon_per_release_at_most")


def delta(policy: PrivacyPolicy, dataset: Dataset) -> Ceiling:
    """δ that one release may have."""
    return _lower(
        Ceiling(policy.spec.delta_at_most), limits_of(dataset).delta_at_most, "delta_at_most"
    )


def days(policy: PrivacyPolicy, dataset: Dataset) -> Ceiling:
    """Days that recipients may hold a release."""
    ceiling = Ceiling(Decimal(policy.spec.retention.days_at_most))
    own = limits_of(dataset).retention
    value = None if own is None else Decimal(own.days_at_most)
    return _lower(ceiling, value, "retention", "days_at_most")


def _lower(ceiling: Ceiling, own: Decimal | None, *path: str) -> Ceiling:
    return ceiling if own is None or own >= ceiling.value else Ceiling(own, path)


def too_high(policy_file: Loaded, dataset_file: Loaded) -> tuple[Finding, ...]:
    """Each limit of a dataset that is above the organization's, with the places of both."""
    policy = cast("PrivacyPolicy", policy_file.document)
    dataset = cast("Dataset", dataset_file.document)
    own = limits_of(dataset)
    found = (*_numbers(policy, dataset), *_classes(policy, own), *_budgets(policy, dataset))
    return (
        *(
            _unknown(name, policy, dataset_file)
            for name in own.classes
            if name not in policy.spec.classes
        ),
        *(each.finding(policy_file, dataset_file) for each in found),
    )


def _unknown(name: str, policy: PrivacyPolicy, dataset_file: Loaded) -> Finding:
    """A limit that would lower nothing, for its class is misspelt."""
    close = difflib.get_close_matches(name, policy.spec.classes, n=1)
    classes = ", ".join(policy.spec.classes)
    return _finding(
        f"limits name class {name}, which the policy does not have",
        f"did you mean {close[0]!r}?" if close else f"classes of the policy: {classes}",
        dataset_file,
        ("classes", name),
    )


def _finding(message: str, fix: str, dataset_file: Loaded, path: Path) -> Finding:
    line, column = dataset_file.at("spec", "limits", *path)
    return Finding(
        rule="dataset-limits", level="deny", message=message, fix=fix,
        file=dataset_file.file, line=line, column=column,
    )  # fmt: skip


@dataclass(frozen=True)
class _Above:
    """A dataset's limit and the organization's that it is above."""

    own: Decimal
    path: Path
    most: Decimal
    policy_path: Path
    show: Callable[[Decimal], str] = plain

    def finding(self, policy_file: Loaded, dataset_file: Loaded) -> Finding:
        there = ":".join(map(str, policy_file.at("spec", *self.policy_path)))
        most = self.show(self.most)
        return _finding(
            f"limit {self.show(self.own)} is above the organization's {most} "
            f"({policy_file.file}:{there}); a dataset can only lower it",
            f"{most} or less, or remove it; only the policy can allow more",
            dataset_file,
            self.path,
        )


def _numbers(policy: PrivacyPolicy, dataset: Dataset) -> Iterator[_Above]:
    own, spec = limits_of(dataset), policy.spec
    if own.delta_at_most is not None and own.delta_at_most > spec.delta_at_most:
        path = ("delta_at_most",)
        yield _Above(own.delta_at_most, path, spec.delta_at_most, path, short)
    if own.retention is not None and own.retention.days_at_most > spec.retention.days_at_most:
        path_ = ("retention", "days_at_most")
        mine, most = own.retention.days_at_most, spec.retention.days_at_most
        yield _Above(Decimal(mine), path_, Decimal(most), path_)
    if own.epsilon_per_release_at_most is not None:
        # Above the highest of its classes it would lower nothing.
        yield from _overall(policy, dataset, own.epsilon_per_release_at_most)


def _overall(policy: PrivacyPolicy, dataset: Dataset, own: Decimal) -> Iterator[_Above]:
    used = {column.sensitivity for column in dataset.spec.columns.values()}
    limits = {
        name: each.epsilon_per_release_at_most
        for name, each in policy.spec.classes.items()
        if name in used
    }
    if limits and own > max(limits.values()):
        name = max(limits, key=lambda each: limits[each])
        path = ("classes", name, "epsilon_per_release_at_most")
        yield _Above(own, path[-1:], limits[name], path)


def _classes(policy: PrivacyPolicy, own: Limits) -> Iterator[_Above]:
    for name, each in own.classes.items():
        path = ("classes", name, "epsilon_per_release_at_most")
        known = policy.spec.classes.get(name)
        if known and each.epsilon_per_release_at_most > known.epsilon_per_release_at_most:
            most = known.epsilon_per_release_at_most
            yield _Above(each.epsilon_per_release_at_most, path, most, path)


def _budgets(policy: PrivacyPolicy, dataset: Dataset) -> Iterator[_Above]:
    name, own = dataset.spec.population, limits_of(dataset)
    population = policy.spec.populations.get(name)
    if population is None:  # denied by another rule
        return
    lifetime = population.lifetime.epsilon
    at: Path = ("populations", name)
    if own.lifetime is not None and own.lifetime.epsilon > lifetime:
        path = ("lifetime", "epsilon")
        yield _Above(own.lifetime.epsilon, path, lifetime, (*at, *path))
    for place, quota in enumerate(own.quotas):
        rivals = [(lifetime, (*at, "lifetime", "epsilon"))]
        rivals += [
            (population.quotas[i].epsilon, (*at, "quotas", i, "epsilon"))
            for i in _covering(quota, population.quotas)
        ]
        most, there = min(rivals, key=lambda rival: rival[0])
        if quota.epsilon > most:
            yield _Above(quota.epsilon, ("quotas", place, "epsilon"), most, there)


def _covering(own: Quota, quotas: Iterable[Quota]) -> Iterator[int]:
    """Quotas of the organization that limit everything that a dataset's quota limits."""
    what, value = own.selector
    window = (own.every, own.rolling_days, own.lifetime)
    for place, quota in enumerate(quotas):
        whose, wanted = quota.selector
        if (quota.every, quota.rolling_days, quota.lifetime) == window and (
            whose == "all" or (whose == what and wanted in ("*", value))
        ):
            yield place
