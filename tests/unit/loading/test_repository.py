"""A repository's documents on disk: found, fitting together, and not outside."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dpgate.errors import DocumentError
from dpgate.loading.repository import find, load_repository, read
from dpgate.model.policy import PrivacyPolicy

DOCUMENTS = Path(__file__).parents[2] / "assets" / "documents"
DATASET = "releases/rand-health/dataset.yaml"
RELEASE = "releases/rand-health/2026q4-vendor/release.yaml"
POLICY = "policies/organization.yaml"
FILES = {
    POLICY: (DOCUMENTS / "policy.yaml").read_bytes(),
    DATASET: (DOCUMENTS / "dataset.yaml").read_bytes(),
    RELEASE: (DOCUMENTS / "release.yaml").read_bytes(),
}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A whole repository with one policy, one dataset and one release."""
    for path, data in FILES.items():
        put(tmp_path, path, data)
    return tmp_path


def put(root: Path, path: str, data: bytes) -> None:
    place = root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(data)


def problems(root: Path) -> list[str]:
    with pytest.raises(DocumentError) as caught:
        load_repository(root)
    return [f"{p.file}: {p.message}" for p in caught.value.problems]


def test_everything_is_found(repository: Path) -> None:
    documents = load_repository(repository)
    assert documents.policy is not None
    assert isinstance(documents.policy.document, PrivacyPolicy)
    assert list(documents.datasets) == ["rand-health"]
    assert list(documents.releases) == ["rand-health/2026q4-vendor"]
    assert documents.releases["rand-health/2026q4-vendor"].file == RELEASE
    found = (documents.policy, *documents.datasets.values(), *documents.releases.values())
    assert {loaded.file: loaded.data for loaded in found} == FILES


def test_the_ledger_and_other_files_are_left_alone(repository: Path) -> None:
    put(repository, "releases/ledger/dataset.yaml", b"not: read\n")
    put(repository, "releases/ledger/x/release.yaml", b"not: read\n")
    put(repository, "releases/rand-health/2026q4-vendor/notes.yaml", b"a: [\n")
    put(repository, "releases/rand-health/load.py", b"pass\n")
    put(repository, "policies/draft.yaml", b"a: [\n")
    assert set(find(repository)) == set(FILES)
    load_repository(repository)


def test_an_empty_folder_has_no_documents(tmp_path: Path) -> None:
    documents = load_repository(tmp_path)
    assert documents.policy is None
    assert documents.datasets == documents.releases == {}


def test_problems_of_all_files_come_together(repository: Path) -> None:
    put(repository, POLICY, b"a: [\n")
    put(repository, RELEASE, b"")
    assert [text.split(":")[0] for text in problems(repository)] == [POLICY, RELEASE]


def test_names_must_equal_their_folders(repository: Path) -> None:
    (repository / "releases/rand-health").rename(repository / "releases/other")
    found = problems(repository)
    assert len(found) == 2
    assert "metadata.name is 'rand-health' but the folder is 'other'" in found[1]
    assert "spec.dataset is 'rand-health' but the folder is 'other'" in found[0]


def test_a_release_must_equal_its_folder(repository: Path) -> None:
    folder = repository / "releases/rand-health"
    (folder / "2026q4-vendor").rename(folder / "2027q1")
    words = "metadata.name is '2026q4-vendor' but the folder is '2027q1'"
    assert problems(repository) == [f"releases/rand-health/2027q1/release.yaml: {words}"]


def test_a_release_needs_its_dataset(repository: Path) -> None:
    (repository / DATASET).unlink()
    assert problems(repository) == [f"{RELEASE}: {DATASET} does not exist"]


@pytest.mark.parametrize(
    ("path", "kind"), [(POLICY, "PrivacyPolicy"), (DATASET, "Dataset"), (RELEASE, "Release")]
)
def test_each_path_has_its_kind(repository: Path, path: str, kind: str) -> None:
    put(repository, path, FILES[RELEASE if path != RELEASE else POLICY])
    assert f"{path}: kind: expected {kind} at this path" in problems(repository)[0]


def test_a_link_out_of_the_repository_is_refused(repository: Path, tmp_path: Path) -> None:
    outside = tmp_path.parent / f"{tmp_path.name}-outside.yaml"
    outside.write_bytes(FILES[POLICY])
    (repository / POLICY).unlink()
    (repository / POLICY).symlink_to(outside)
    assert problems(repository) == [f"{POLICY}: a symbolic link out of the repository"]


def test_a_folder_that_is_a_link_out_is_refused(repository: Path, tmp_path: Path) -> None:
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    put(outside, "dataset.yaml", FILES[DATASET])
    (repository / "releases/elsewhere").symlink_to(outside)
    assert problems(repository) == [
        "releases/elsewhere/dataset.yaml: a symbolic link out of the repository"
    ]


def test_a_link_within_the_repository_is_followed(repository: Path) -> None:
    put(repository, "shared.yaml", FILES[POLICY])
    (repository / POLICY).unlink()
    (repository / POLICY).symlink_to(repository / "shared.yaml")
    assert load_repository(repository).policy is not None


def test_a_fifo_does_not_block(repository: Path) -> None:
    (repository / POLICY).unlink()
    os.mkfifo(repository / POLICY)
    assert problems(repository) == [f"{POLICY}: not a regular file"]


@pytest.mark.parametrize("target", ["organization.yaml", "nowhere.yaml"])
def test_a_link_to_itself_or_to_nothing(repository: Path, target: str) -> None:
    (repository / POLICY).unlink()
    (repository / POLICY).symlink_to(target)
    assert problems(repository) == [f"{POLICY}: cannot be read"]


def test_no_more_is_read_than_a_document_may_hold(repository: Path) -> None:
    put(repository, POLICY, b"#" * 10**6)
    assert len(read(repository, POLICY)) == 256 * 1024 + 1
    assert problems(repository) == [f"{POLICY}: longer than 256 KiB"]


@pytest.mark.parametrize("only", [RELEASE, f"./{RELEASE}", "releases/rand-health/2026q4-vendor"])
def test_only_the_named_release_and_what_it_needs(repository: Path, only: str) -> None:
    put(repository, "releases/rand-health/broken/release.yaml", b"a: [\n")
    put(repository, "releases/other/dataset.yaml", b"a: [\n")
    documents = load_repository(repository, [only])
    assert documents.policy is not None
    assert list(documents.datasets) == ["rand-health"]
    assert list(documents.releases) == ["rand-health/2026q4-vendor"]


def test_a_folder_names_all_releases_in_it(repository: Path) -> None:
    assert list(load_repository(repository, ["releases"]).releases) == ["rand-health/2026q4-vendor"]


@pytest.mark.parametrize("only", ["releases/rand", "README.md", "../elsewhere", "/etc/passwd"])
def test_naming_what_is_no_document_is_a_problem(repository: Path, only: str) -> None:
    with pytest.raises(DocumentError) as caught:
        load_repository(repository, [only])
    assert [p.message for p in caught.value.problems] == ["no document there"]


WAIVER = "policies/waivers/long-retention.yaml"
WAIVED = (DOCUMENTS / "waiver.yaml").read_bytes()


def test_waivers_are_found_and_read_with_the_releases(repository: Path) -> None:
    put(repository, WAIVER, WAIVED)
    put(repository, "policies/waivers/long-retention/approvals/x.dsse.json", b"{}")
    for only in (None, [RELEASE], ["releases"]):
        documents = load_repository(repository, only)
        assert list(documents.waivers) == ["long-retention"]
        assert documents.waivers["long-retention"] in documents.read
        assert documents.present == {"rand-health/2026q4-vendor"}
    assert load_repository(repository, [POLICY]).waivers == {}
    assert list(load_repository(repository, [WAIVER]).waivers) == ["long-retention"]


def test_a_waiver_is_named_as_its_file_and_is_one(repository: Path) -> None:
    put(repository, "policies/waivers/other.yaml", WAIVED)
    put(repository, WAIVER, FILES[POLICY])
    assert problems(repository) == [
        f"{WAIVER}: kind: expected Waiver at this path; found PrivacyPolicy",
        "policies/waivers/other.yaml: metadata.name is 'long-retention' but the file is 'other'",
    ]


def test_a_waiver_that_leads_out_of_the_repository_is_refused(
    repository: Path, tmp_path: Path
) -> None:
    outside = tmp_path.parent / f"{tmp_path.name}-waiver.yaml"
    outside.write_bytes(WAIVED)
    (repository / "policies/waivers").mkdir()
    (repository / WAIVER).symlink_to(outside)
    assert problems(repository) == [f"{WAIVER}: a symbolic link out of the repository"]
