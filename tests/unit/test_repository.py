"""This repository is itself a release repository: its documents are valid and its limits bite."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

from dpgate.accounting import calibrate
from dpgate.accounting.filter import Spend, epsilon
from dpgate.loading import yaml
from dpgate.model.columns import DomainColumn
from dpgate.model.dataset import Dataset
from dpgate.model.domain import domain_of
from dpgate.model.policy import PrivacyPolicy
from dpgate.model.release import Release
from dpgate.model.values import Frozen

ROOT = Path(__file__).resolve().parents[2]
DATASET = ROOT / "releases" / "rand-health"
RELEASES = sorted(DATASET.glob("*/release.yaml"))

Document = TypeVar("Document", bound=Frozen)


def read(path: Path, model: type[Document]) -> Document:
    return model.model_validate(yaml.parse(str(path), path.read_bytes()).value)


@pytest.fixture(scope="module")
def policy() -> PrivacyPolicy:
    return read(ROOT / "policies" / "organization.yaml", PrivacyPolicy)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return read(DATASET / "dataset.yaml", Dataset)


def test_four_releases_are_written() -> None:
    assert [path.parent.name for path in RELEASES] == [
        "2026q4-plan-design",
        "2026q4-teaching",
        "2026q4-utilization-statistics",
        "2026q4-vendor-testing",
    ]


@pytest.mark.parametrize("path", RELEASES, ids=lambda path: path.parent.name)
def test_a_release_stands_where_its_names_say_and_asks_for_what_exists(
    path: Path, policy: PrivacyPolicy, dataset: Dataset
) -> None:
    release = read(path, Release)
    assert (release.spec.dataset, release.metadata.name) == path.parts[-3:-1]
    assert release.spec.purpose in policy.spec.purposes
    assert release.spec.privacy.delta <= policy.spec.delta_at_most
    assert len(domain_of(dataset, release.spec.columns)) == len(release.spec.columns)
    for name in release.spec.columns:
        limits = policy.spec.classes[dataset.spec.columns[name].sensitivity]
        assert release.spec.privacy.epsilon <= limits.epsilon_per_release_at_most
        if release.spec.synthesize is not None:
            assert release.spec.synthesize.with_ in limits.synthesizers
        if release.spec.statistics is not None:
            assert limits.statistics


def test_the_four_fit_the_year_and_a_fifth_does_not(policy: PrivacyPolicy) -> None:
    releases = [read(path, Release) for path in RELEASES]
    accounting = policy.spec.accounting
    population = policy.spec.populations["rand-hie-1974-1982"]
    limits = {quota.selector: quota.epsilon for quota in population.quotas}

    def cost(chosen: list[Release]) -> Decimal:
        events = [
            calibrate.gaussian_event(
                name="release",
                rho=calibrate.rho_for(r.spec.privacy.epsilon, r.spec.privacy.delta),
                times=1,
                sensitivity_squared=Decimal(1),
                relation=population.neighboring,
            )
            for r in chosen
        ]
        return epsilon(Spend.of(events, accounting.orders), accounting.delta)

    assert cost(releases) <= limits["sensitivity", "phi"] < cost([*releases, releases[0]])
    vendor = next(r for r in releases if r.spec.purpose == "vendor-testing")
    assert cost([vendor]) <= limits["purpose", "vendor-testing"] < cost([vendor, vendor])
    numbers = [r for r in releases if r.spec.type == "statistics"]
    assert cost(numbers) <= limits["type", "statistics"] < cost(numbers * 2)
    assert cost(releases) <= population.lifetime.epsilon


def test_no_role_shares_a_key_with_another(policy: PrivacyPolicy) -> None:
    keys = [key for role in policy.spec.roles.values() for key in role.keys]
    loaded = [load_ssh_public_key(key.encode()) for key in keys]
    assert all(isinstance(key, Ed25519PublicKey) for key in loaded)
    assert len({key.split()[1] for key in keys}) == len(keys)


def test_no_domain_was_read_off_the_data(dataset: Dataset) -> None:
    kinds = {
        name: column.source.kind
        for name, column in dataset.spec.columns.items()
        if isinstance(column, DomainColumn)
    }
    assert set(kinds.values()) == {"public_codebook", "assumption"}


def test_the_loader_writes_the_described_columns(rand_parquet: Path, dataset: Dataset) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    assert parquet.read_schema(rand_parquet).names == list(dataset.spec.columns)
    assert parquet.read_metadata(rand_parquet).num_rows <= dataset.spec.rows.at_most


@pytest.mark.parametrize("place", ["rand.parquet", "releases/rand-health/rand.parquet"])
def test_the_loader_refuses_a_place_that_git_would_track(place: str) -> None:
    done = subprocess.run(
        [sys.executable, DATASET / "load.py", ROOT / place],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "Git would track it" in done.stderr
    assert not (ROOT / place).exists()
