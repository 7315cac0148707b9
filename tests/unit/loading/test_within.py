"""Where a character of a value stands, whatever the value is written as."""

from __future__ import annotations

import pytest

from dpgate.loading.within import within
from dpgate.loading.yaml import parse

TEXTS = {
    "plain": "key: some words\n",
    "plain, at the end": "key: some words",
    "single": "key: 'it''s some ''words'''\n",
    "double": 'key: "a \\"b\\" \\u00e9 some words"\n',
    "literal": "key: |\n\n    first\n      some words\n\n    last\nother: 1\n",
    "literal, indented on purpose": "key: |2-\n    some\n    words\n",
    "folded": "key: >-  # folded\n  some\n  words here\n",
    "folded plain": "key: some\n  words here\n",
    "folded single": "key: 'some\n  words here'\n",
    "folded double": 'key: "some \\\n  words\n  here"\n',
    "flow": "key: {inner: some words, other: 1}\n",
    "block at the end": "key: |\n  some words",
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_word_is_found_where_it_stands(name: str) -> None:
    text = TEXTS[name]
    parsed = parse("a.yaml", text.encode())
    path = ("key", "inner") if name == "flow" else ("key",)
    value = parsed.value["key"]
    value = value["inner"] if isinstance(value, dict) else value
    assert isinstance(value, str)
    for word in ("some", "words"):
        line, column = within(text, parsed.positions[path], value.index(word))
        assert text.split("\n")[line - 1][column - 1 :].startswith(word), (name, line, column)


def test_behind_the_last_character_is_the_place_after_it() -> None:
    assert within("key: abc\n", (1, 6), 3) == (1, 9)
    assert within("key: 'abc'", (1, 6), 3) == (1, 10)
    assert within("key: ''", (1, 6), 0) == (1, 7)
