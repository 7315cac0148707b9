"""The YAML reader: positions, limits that hold before anything is built, both parsers."""

from __future__ import annotations

import re
import time
from decimal import Decimal
from pathlib import Path

import pytest
import yaml as pyyaml

from dpgate.errors import DocumentError
from dpgate.loading import yaml
from dpgate.loading.yaml import MAX_BYTES, MAX_DEPTH, MAX_NODES, MAX_PROBLEMS, parse

MALFORMED = Path(__file__).parents[2] / "assets" / "malformed"

SAMPLE = b"""# comment
a: 1
b: {c: [1e-6, yes, '012'], "d e": ~}
f:
  - g: |
      two
      lines
    h: plain
      over lines
"""


@pytest.fixture(params=["libyaml", "pure Python"])
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each test runs with the C parser, and without it as on platforms that lack it."""
    if request.param == "pure Python":
        monkeypatch.setattr(yaml, "_LOADER", pyyaml.SafeLoader)
    return str(request.param)


def refusal(data: bytes) -> tuple[str, int, int]:
    """The first problem of a document: message, line, column."""
    with pytest.raises(DocumentError) as caught:
        parse("f.yaml", data)
    first = caught.value.problems[0]
    assert first.file == "f.yaml"
    assert first.fix
    return first.message, first.line, first.column


@pytest.mark.usefixtures("parser")
def test_values_and_positions() -> None:
    parsed = parse("f.yaml", SAMPLE)
    assert parsed.value == {
        "a": 1,
        "b": {"c": (Decimal("0.000001"), "yes", "012"), "d e": None},
        "f": ({"g": "two\nlines\n", "h": "plain over lines"},),
    }
    assert parsed.positions["a",] == (2, 4)
    assert parsed.positions["b", "c", 1] == (3, 15)
    assert parsed.keys["b", "d e"] == (3, 28)
    assert parsed.positions["f", 0, "h"] == (8, 8)
    assert parsed.positions[()] == (2, 1)


@pytest.mark.usefixtures("parser")
def test_columns_count_characters_not_bytes() -> None:
    assert parse("f.yaml", "é: {ü: 1, b: 2}".encode()).positions["é", "b"] == (1, 14)


@pytest.mark.usefixtures("parser")
def test_windows_line_ends_are_read() -> None:
    assert parse("f.yaml", b"a: 1\r\nb: 2\r\n").positions["b",] == (2, 4)


@pytest.mark.usefixtures("parser")
def test_empty_collections() -> None:
    assert parse("f.yaml", b"a: {}\nb: []\n").value == {"a": {}, "b": ()}


@pytest.mark.parametrize("path", sorted(MALFORMED.glob("*.yaml")), ids=lambda p: p.stem)
@pytest.mark.usefixtures("parser")
def test_both_parsers_refuse_or_read_alike(path: Path) -> None:
    data = path.read_bytes()
    if "this is not YAML" in path.with_suffix(".txt").read_text(encoding="utf-8"):
        # Where a syntax error is noticed is the parser's own affair.
        assert "this is not YAML" in refusal(data)[0]
        return
    try:
        parse(path.name, data)
    except DocumentError as error:
        found = "\n".join(map(str, error.problems)) + "\n"
        assert found == path.with_suffix(".txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"# " + b"x" * MAX_BYTES, "longer than 256 KiB"),
        (b"a: " + b"9" * 200_000, "longer or further"),
        (b"a: 1e999999999", "longer or further"),
        (b"a: [" + b"1," * (MAX_NODES + 1) + b"]", "more than 60,000 values"),
        (b"a: " + b"[" * 200_000, f"nested deeper than {MAX_DEPTH}"),
        (b"a: " + b"{b: " * 60_000, f"nested deeper than {MAX_DEPTH}"),
        (b"- " * 100_000, "a mapping was expected"),
        (b"a:\n" + b"- " * 100_000, f"nested deeper than {MAX_DEPTH}"),
        (b"a: " + b"&a " * 80_000, "anchors are not allowed"),
    ],
)
@pytest.mark.usefixtures("parser")
def test_hostile_sizes_are_refused_fast(data: bytes, message: str) -> None:
    started = time.process_time()
    assert message in refusal(data)[0]
    assert time.process_time() - started < 5


@pytest.mark.usefixtures("parser")
@pytest.mark.slow
def test_limits_are_the_last_that_is_allowed() -> None:
    parse("f.yaml", b"a: " + b"[" * (MAX_DEPTH - 2) + b"1" + b"]" * (MAX_DEPTH - 2))
    parse("f.yaml", b"a: [" + b"1," * (MAX_NODES - 3) + b"]")
    assert "nested" in refusal(b"a: " + b"[" * (MAX_DEPTH - 1) + b"1" + b"]" * (MAX_DEPTH - 1))[0]
    assert "more than" in refusal(b"a: [" + b"1," * (MAX_NODES - 2) + b"]")[0]


@pytest.mark.usefixtures("parser")
def test_several_problems_are_reported_at_once() -> None:
    with pytest.raises(DocumentError) as caught:
        parse("f.yaml", b"a: &x 1\na: !t 2\n? {b: [c]}\n: 1\n7: 012\n? [x]\n: [y]\n")
    assert [(p.line, p.message.split(",")[0]) for p in caught.value.problems] == [
        (1, "anchors are not allowed"),
        (2, "key 'a' is given twice"),
        (2, "tags are not allowed"),
        (3, "a key must be text"),
        (5, "a key must be text"),
        (5, "012 starts with a zero"),
        (6, "a key must be text"),
    ]


@pytest.mark.usefixtures("parser")
def test_problems_are_cut_at_a_readable_number() -> None:
    with pytest.raises(DocumentError) as caught:
        parse("f.yaml", b"".join(b"k%d: 01\n" % i for i in range(500)))
    assert len(caught.value.problems) == MAX_PROBLEMS


@pytest.mark.parametrize(
    ("character", "name"),
    [
        ("\t", "a tab"),
        ("\x07", "U+0007"),
        ("\x85", "U+0085"),
        ("\u2028", "U+2028"),
        ("\r", "U+000D"),
    ],
)
def test_hidden_characters_are_named_with_their_place(character: str, name: str) -> None:
    message, line, column = refusal(f"a: 1\nbc: x{character}y\n".encode())
    assert name in message
    assert (line, column) == (2, 6)


def test_a_surrogate_written_as_an_escape_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "this is not YAML" in refusal(b'a: "\\ud800"')[0]
    monkeypatch.setattr(yaml, "_LOADER", pyyaml.SafeLoader)
    assert "U+D800" in refusal(b'a: "\\ud800"')[0]


def test_quoted_merge_keys_are_plain_text() -> None:
    assert parse("f.yaml", b"'<<': 1").value == {"<<": 1}


def test_what_the_parser_itself_cannot_read_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    # Without the search for hidden characters, the parser refuses some of them in its own way.
    monkeypatch.setattr(yaml, "_LOADER", pyyaml.SafeLoader)
    monkeypatch.setattr(yaml, "_FORBIDDEN", re.compile("(?!)"))
    assert refusal(b"a: \x07")[0] == "this is not YAML"
