"""Where in a file a character of a value stands: through quotes, escapes, folds and blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dpgate.loading.yaml import Position

_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|\n[ ]*|.)")
_BLOCK = re.compile(r"[|>][0-9+-]*[ ]*(#[^\n]*)?\n")


def within(text: str, start: Position, offset: int) -> Position:
    """Line and column of a character of a value.

    Args:
        text: the whole file.
        start: line and column, from 1, where the value begins: its quote, its `|` or its text.
        offset: which character of the value, from 0; the end of the value is one behind the last.
    """
    lines = text.split("\n")
    place = sum(len(line) + 1 for line in lines[: start[0] - 1]) + start[1] - 1
    last = place
    for number, here in enumerate(_places(text, place)):
        last = here
        if number == offset:
            break
    else:
        last += 1
    before = text[:last]
    return before.count("\n") + 1, last - (before.rfind("\n") + 1) + 1


def _places(text: str, start: int) -> Iterator[int]:
    """The place in the file of every character of the value that begins at a place."""
    block = _BLOCK.match(text, start)
    if block:
        yield from _of_block(text, block.end(), _indent(text, start, block[0]))
    elif text[start] in "'\"":
        yield from _of_quoted(text, start + 1, text[start])
    else:
        yield from _folded(text, start, len(text))


def _indent(text: str, start: int, head: str) -> int | None:
    """The indentation that a block's head states, as in `|2`; None where its first line shows it."""
    stated = re.search(r"^.[+-]?([1-9])", head)
    line = text[text.rfind("\n", 0, start) + 1 : start]
    around = re.match(r"[ ]*(?:-[ ]+)*", line)
    return int(stated[1]) + len(around[0]) if stated and around else None


def _of_block(text: str, start: int, indent: int | None) -> Iterator[int]:
    """A literal or folded block: each line from its indentation on, a line end for a fold."""
    place = start
    while place < len(text):
        end = text.find("\n", place)
        end = len(text) if end < 0 else end
        line = text[place:end]
        if line.strip():
            own = len(line) - len(line.lstrip(" "))
            indent = own if indent is None else indent
            if own < indent:
                return
            yield from range(place + indent, end)
        yield end
        place = end + 1


def _of_quoted(text: str, start: int, quote: str) -> Iterator[int]:
    place = start
    while place < len(text):
        if text[place] == "\n":
            yield place
            place = _next_line(text, place)
        elif quote == "'" and text.startswith("''", place):
            yield place
            place += 2
        elif quote == '"' and (escape := _ESCAPE.match(text, place)):
            if not escape[1].startswith("\n"):
                yield place
            place = escape.end()
        elif text[place] == quote:
            return
        else:
            yield place
            place += 1


def _folded(text: str, start: int, end: int) -> Iterator[int]:
    """Plain text: a line end and the indentation after it are one space."""
    place = start
    while place < end:
        yield place
        place = _next_line(text, place) if text[place] == "\n" else place + 1


def _next_line(text: str, place: int) -> int:
    """Where the text of the next line begins."""
    while place < len(text) and text[place] in "\n ":
        place += 1
    return place
