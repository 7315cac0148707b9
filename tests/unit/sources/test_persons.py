"""Persons with many rows: whoever has them, at most k count, and nobody else's change."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpgate.errors import SourceError
from dpgate.model.dataset import Dataset
from dpgate.sources import persons
from dpgate.sources.arrow import ArrowSource, table_source
from dpgate.sources.interface import MarginalSource
from dpgate.sources.open import describe, open_halves, open_source
from dpgate.sources.persons import Truncated
from tests.suites import worlds
from tests.suites.sources import SourceSuite

CLIQUES = [(0,), (2, 0), (1, 3), (4,)]


def dataset(rows: int) -> Dataset:
    plain = worlds.dataset().model_dump(mode="python", by_alias=True)
    plain["spec"]["unit"] |= {"column": "name", "max_rows_per_person": rows}
    return Dataset.model_validate(plain)


def named(rows: list[worlds.Row], names: list[object], kind: pa.DataType | None = None) -> pa.Table:
    return worlds.table(rows).append_column("name", pa.array(names, kind))


def opened(table: pa.Table, folder: Path, rows: int) -> MarginalSource:
    pq.write_table(table, folder / "a.parquet")
    return open_source(str(folder / "a.parquet"), dataset(rows), list(worlds.COLUMNS))


def kept(
    names: list[object], rows: int, key: str | None = None, held: list[int] | None = None
) -> list[int]:
    """What the kept rows hold (their places), read in several batches."""
    places = pa.array(range(len(names)) if held is None else held, pa.int64())
    table = pa.table({"name": pa.array(names), "place": places})
    read = Truncated(lambda: iter(table.to_batches(7)), "name", rows)
    if key is not None:
        read._key = key
    return [place for batch in read() for place in batch.column("place").to_pylist()]


class TestManyPersons(SourceSuite):
    """With a row each, nothing is left out."""

    def source(self, rows: list[worlds.Row], folder: Path) -> MarginalSource:
        names: list[object] = [f"p{number}" for number in range(len(rows))]
        return opened(named(rows, names, pa.string()), folder, 1)

    def spoil(self, folder: Path) -> bool:
        (folder / "a.parquet").unlink()
        return True


@pytest.mark.parametrize("rows", [1, 3, 50])
def test_a_person_with_ten_thousand_rows_moves_at_most_k(rows: int, tmp_path: Path) -> None:
    others = worlds.rows(300)
    names: list[object] = [number % 90 for number in range(300)]
    heavy = worlds.rows(10_000, seed=3)
    heavy[:7] = list(worlds.HOSTILE.values())
    key = os.urandom(32).hex()
    tables = []
    for table in (
        named(others, names),
        # Among the others' rows, before and after them.
        named([*heavy[:5000], *others, *heavy[5000:]], [*[7777] * 5000, *names, *[7777] * 5000]),
    ):
        source = opened(table, tmp_path, rows)
        source._read._key = key  # type: ignore[attr-defined]
        tables.append([c for clique in CLIQUES for c in source.count([clique])])
    assert tables[0][0].sum() == 90 * min(rows, 3) + 30 * (rows > 3)
    for before, after in zip(*tables, strict=True):
        moved = after - before
        assert moved.min() >= 0
        assert moved.sum() == rows


def test_every_table_of_an_attempt_counts_the_same_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dpgate.sources.encoded.KEPT_BYTES", 16)  # read again for each count
    rows = worlds.rows(600)
    source = opened(named(rows, [number % 5 for number in range(600)]), tmp_path, 20)
    pairs = source.count([(0, 2)])[0]
    np.testing.assert_array_equal(pairs.sum(axis=1), source.count([(0,)])[0])
    np.testing.assert_array_equal(pairs.sum(axis=0), source.count([(2,)])[0])
    np.testing.assert_array_equal(pairs, source.count([(0, 2)])[0])


@pytest.mark.parametrize(
    "others", [["b", "a", "a"], ["a", "a"], ["a", "a", "b", "b"], ["aa", "", "b"]]
)
def test_rows_that_stand_elsewhere_the_next_time(others: list[str]) -> None:
    """Rows are kept by place; whoever stood elsewhere could come in with more than k."""
    turns = [["a", "a", "b"], ["a", "a", "b"], others]
    read = Truncated(lambda: iter(pa.table({"name": turns.pop(0)}).to_batches()), "name", 1)
    assert sum(len(batch) for batch in read()) == 2
    with pytest.raises((SourceError, pa.ArrowInvalid)):
        list(read())


def test_a_join_that_multiplies_rows_stays_bounded(tmp_path: Path) -> None:
    """Persons and their claims, joined in a view; one has ten thousand claims."""
    key = os.urandom(32).hex()
    found = []
    for claims in (0, 10_000):
        path = tmp_path / f"{claims}.duckdb"
        with duckdb.connect(str(path)) as engine:
            engine.register("rows", worlds.table(worlds.rows(3000)))
            engine.sql(
                "CREATE TABLE claims AS SELECT *, row_number() OVER () % 700 AS who FROM rows"
            )
            engine.sql(f"INSERT INTO claims SELECT rows.*, 7777 FROM rows, range(4) LIMIT {claims}")
            engine.sql("CREATE TABLE people AS SELECT DISTINCT who AS name FROM claims")
            engine.sql(
                "CREATE VIEW v AS SELECT c.*, p.name FROM claims c JOIN people p ON who = name"
            )
        source = open_source(f"{path}?table=v", dataset(2), list(worlds.COLUMNS))
        source._read._key = key  # type: ignore[attr-defined]
        found.append(source.count(CLIQUES))
    for before, after in zip(*found, strict=True):
        assert before.sum() == 1400
        assert after.sum() == 1402


def test_rows_that_are_alike_are_as_likely_as_others() -> None:
    """A person with nine rows of one sort and one of another: by rows, not by sorts."""
    names: list[object] = [f"p{number % 400}" for number in range(4000)]
    rare = kept(names, 1, held=[int(number < 400) for number in range(4000)]).count(1)
    assert abs(rare - 40) < 36


def test_another_attempt_chooses_others() -> None:
    names: list[object] = ["a"] * 200
    assert len({tuple(kept(names, 5)) for _ in range(4)}) == 4


def test_each_row_is_as_likely_as_any_other() -> None:
    names: list[object] = [f"p{number % 300}" for number in range(8 * 300)]
    counts = np.bincount(np.array(kept(names, 2)) // 300, minlength=8)
    assert counts.sum() == 600
    assert abs(counts - 75).max() < 6 * (75 * 0.75) ** 0.5


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.sampled_from("abc"), max_size=30),
    st.lists(st.sampled_from("abc"), max_size=6),
    st.integers(1, 4),
    st.data(),
)
@pytest.mark.slow
def test_what_others_do_changes_nothing(
    names: list[str], strangers: list[str], rows: int, data: st.DataObject
) -> None:
    """Rows of d, and all in another order: those of a, b and c that were kept are kept."""
    mixed = data.draw(st.permutations([*enumerate(names), *((-1, "d") for _ in strangers)]))
    before = kept(list(names), rows, "k")
    after = kept([name for _, name in mixed], rows, "k", [place for place, _ in mixed])
    assert sorted(place for place in after if place >= 0) == before
    assert after.count(-1) == min(len(strangers), rows)


def test_rows_that_differ_never_read_the_same() -> None:
    """Else their order, which others' rows may change, would decide which one is kept."""
    held = [
        ("x", "y\x1fz"),
        ("x\x1fy", "z"),
        ("\x1e", ""),
        (None, ""),
        ("1", "1\x1f"),
        ("1\x1f", "1"),
    ]
    one, other = zip(*held, strict=True)
    batch = pa.record_batch({"one": pa.array(one), "other": pa.array(other)})
    assert len(set(persons.content(batch).to_pylist())) == len(held)


def test_rows_that_name_nobody_are_left_out() -> None:
    assert kept(["a", None, "", "  ", "\t", "b", None, " a "], 1) in ([0, 5], [5, 7])
    assert kept([1, None, 2], 9) == [0, 2]


@pytest.mark.parametrize(
    "names",
    [
        pa.array(["é", "é", None]),
        pa.array(["é", "é", None], pa.large_string()),
        pa.array([b"\xff", b" \xff", b""], pa.binary()),
        pa.array([2**63 - 1, 2**63 - 1, None]),
        pa.array(["é", "é", None]).dictionary_encode(),
        pa.array([7, 7, None]).dictionary_encode(),
    ],
)
def test_identifiers_of_any_type(names: pa.Array) -> None:
    first, second, third = persons.persons(names).to_pylist()
    assert first == second
    assert third is None


def test_a_csv_of_people(tmp_path: Path) -> None:
    rows = worlds.rows(90)
    pc.write_csv(named(rows, [f"p{number % 9}" for number in range(90)]), tmp_path / "a.csv")
    source = open_source(str(tmp_path / "a.csv"), dataset(4), list(worlds.COLUMNS))
    assert source.count([(0,)])[0].sum() == 36


@pytest.mark.parametrize("values", [pa.array([1.0]), pa.array([True]), pa.array([[1]])])
def test_identifiers_that_cannot_tell_persons_apart(values: pa.Array, tmp_path: Path) -> None:
    table = worlds.table(worlds.rows(1)).append_column("name", values)
    with pytest.raises(SourceError, match=r"integers or text: name$"):
        opened(table, tmp_path, 1)


def test_no_column_of_persons(tmp_path: Path) -> None:
    pq.write_table(worlds.table(worlds.rows(1)), tmp_path / "a.parquet")
    with pytest.raises(SourceError, match=r"exactly once: name$"):
        describe(str(tmp_path / "a.parquet"), dataset(1), ["age"])


def test_people_of_the_census(data_file: Callable[[str], Path]) -> None:
    """Real identifiers: fewer rows than k change nothing, one row each leaves one row each."""
    spec = {
        "population": "census",
        "neighboring": "add-remove",
        "unit": {"row": "row", "max_rows_per_person": 1, "source": "pid", "column": "pid"},
        "rows": {"at_most": 10_000},
        "columns": {
            "pid": {"type": "identifier", "sensitivity": "direct"},
            "sex": {
                "type": "category",
                "sensitivity": "plain",
                "domain": (0, 1),
                "source": {"public_codebook": "PUMS"},
            },
        },
    }
    known = Dataset.model_validate(
        {
            "apiVersion": "dpgate/v1",
            "kind": "Dataset",
            "metadata": {"name": "census", "steward": "tests"},
            "spec": spec,
        }
    )
    table = pc.read_csv(data_file("pums_pid.csv"))
    people = len(table.column("pid").unique())
    source = open_source(str(data_file("pums_pid.csv")), known, ["sex"])
    assert source.count([(0,)])[0].sum() == people


def test_whose_each_row_is_in_the_order_of_rows(tmp_path: Path) -> None:
    """Of those that are kept; blanks around a name and its type make no difference."""
    names: list[object] = ["b", "a", " b ", None, "c", "a", "b", " ", "b"]
    rows = worlds.rows(len(names))
    source = opened(named(rows, names), tmp_path, 2)
    assert isinstance(source, ArrowSource)
    first = list(source.persons())
    assert len(first) == sum(len(batch[0]) for batch in source.rows([0])) == 5
    assert first == list(source.persons())
    assert sorted(Counter(first).values()) == [1, 2, 2]
    assert list(dict.fromkeys(first)) == [0, 1, 2]  # as they first come, without gaps
    whose = {number: {n.strip() for n in held} for number, held in together(first, names, source)}
    assert sorted(map(sorted, whose.values())) == [["a"], ["b"], ["c"]]


def together(
    numbers: list[int], names: list[object], source: ArrowSource
) -> list[tuple[int, list[str]]]:
    """For each number the names of its rows, found by what these hold: no two rows are alike."""
    table = {tuple(map(int, cells)): str(name) for cells, name in zip(
        cells_of(table_source(worlds.table(worlds.rows(len(names))), source.domain)), names,
        strict=True)}  # fmt: skip
    assert len(table) == len(names)
    found: dict[int, list[str]] = {}
    for number, cells in zip(numbers, cells_of(source), strict=True):
        found.setdefault(int(number), []).append(table[tuple(map(int, cells))])
    return list(found.items())


def cells_of(source: ArrowSource) -> list[list[int]]:
    places = range(len(source.domain))
    return [
        row
        for batch in source.rows(places)
        for row in np.stack([batch[p] for p in places], 1).tolist()
    ]


def test_halves_tell_persons_apart_too(tmp_path: Path) -> None:
    names: list[object] = [f"p{number % 40}" for number in range(200)]
    pq.write_table(named(worlds.rows(200), names), tmp_path / "a.parquet")
    halves = open_halves(
        str(tmp_path / "a.parquet"), dataset(3), list(worlds.COLUMNS), Decimal("0.5")
    )
    sides = [halves.members.persons(), halves.holdout.persons()]
    assert [set(Counter(side.tolist()).values()) for side in sides] == [{3}, {3}]
    assert sum(int(side.max()) + 1 for side in sides) == 40  # nobody is on both


def test_a_source_without_names_tells_nobody_apart(tmp_path: Path) -> None:
    source = table_source(worlds.table(worlds.rows(3)), worlds.domain())
    with pytest.raises(SourceError, match="nothing says whose a row of this source is"):
        source.persons()


def test_what_cannot_be_read_again_is_said_in_fixed_words(tmp_path: Path) -> None:
    source = opened(named(worlds.rows(9), ["p"] * 9), tmp_path, 3)
    (tmp_path / "a.parquet").write_bytes(b"PAR1 mallory PAR1")
    assert isinstance(source, ArrowSource)
    with pytest.raises(SourceError, match="unreadable while it was being counted") as caught:
        source.persons()
    assert "mallory" not in str(caught.value)
