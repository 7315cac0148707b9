"""Whatever bytes come in, loading answers with a document or with problems."""

from __future__ import annotations

import contextlib
from decimal import Decimal
from pathlib import Path

import jsonschema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dpgate.errors import DocumentError
from dpgate.loading.canonical import NotCanonical, canonical, parse_json
from dpgate.loading.documents import load
from dpgate.loading.scalars import ScalarError, resolve
from dpgate.loading.schemas import FILES, schemas
from dpgate.loading.yaml import Value, parse

DOCUMENTS = [
    path.read_bytes()
    for path in sorted((Path(__file__).parents[1] / "assets" / "documents").glob("*.yaml"))
]
VALIDATORS = {
    kind: jsonschema.Draft202012Validator(schemas()[name]) for kind, name in FILES.items()
}
SCRAPS = [
    *rb"""&a |*a|<<: |!!int |!|{|}|[|]|: |- |? |'|"|#|~|true|null|2.0|1e-9|1e99999|-1|.inf|[]|{}|,|  |
type: integer|integer: 1|with_: x|kind|"\ud800"|\x""".split(b"|"),
    *(b"|", b"\n", b"\r", b"---\n", b"...\n", b"%YAML 1.1\n"),
    *(b"\xff", b"\x00", b"\t", b"\xe2\x80\xae"),
]

edits = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.integers(0, 30),
        st.one_of(st.sampled_from(SCRAPS), st.binary(max_size=4)),
    ),
    min_size=1,
    max_size=4,
)


def answer(data: bytes) -> None:
    """Load; a document satisfies its schema, an error names places inside the file."""
    try:
        load("f.yaml", data)
    except DocumentError as error:
        problems = error.problems
    else:
        parsed = parse("f.yaml", data).value
        assert VALIDATORS[str(parsed["kind"])].is_valid(as_json(parsed))
        return
    assert problems
    for problem in problems:
        assert 1 <= problem.line <= data.count(b"\n") + 2
        assert problem.column >= 1
        assert len(str(problem)) < 600
        str(problem).encode("utf-8")


def as_json(value: Value) -> object:
    if isinstance(value, dict):
        return {key: as_json(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [as_json(item) for item in value]
    return float(value) if isinstance(value, Decimal) else value


@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(DOCUMENTS), edits)
def test_mutated_documents_are_read_or_refused(
    data: bytes, changes: list[tuple[float, int, bytes]]
) -> None:
    for where, cut, scrap in changes:
        at = int(where * len(data))
        data = data[:at] + scrap + data[at + cut :]
    answer(data)


@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(DOCUMENTS), st.floats(0, 1), st.sampled_from(SCRAPS))
def test_values_replaced_by_scraps(data: bytes, where: float, scrap: bytes) -> None:
    words = data.split(b": ")
    at = 1 + int(where * (len(words) - 2))
    _, separator, rest = words[at].partition(b"\n")
    words[at] = scrap + separator + rest
    answer(b": ".join(words))


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    answer(data)


@given(st.text(max_size=80))
def test_any_scalar(text: str) -> None:
    try:
        value = resolve(text)
    except ScalarError:
        return
    assert not isinstance(value, float)
    if isinstance(value, str):
        assert value == text


@given(st.decimals("-1e30", "1e30", allow_nan=False, places=6))
def test_decimals_keep_their_digits(value: Decimal) -> None:
    assert resolve(str(value)) == value


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
    max_leaves=20,
)


@given(json_values)
def test_canonical_json_round_trips_to_the_same_bytes(value: object) -> None:
    written = canonical(value)
    assert parse_json(written) == value
    assert canonical(parse_json(written)) == written


@given(json_values, st.integers(0), st.binary(min_size=1, max_size=3))
def test_damaged_json_is_read_or_refused(value: object, where: int, scrap: bytes) -> None:
    data = canonical(value)
    at = where % (len(data) + 1)
    with contextlib.suppress(NotCanonical):
        parse_json(data[:at] + scrap + data[at:])
