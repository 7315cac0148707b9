"""Strict YAML with positions.

PyYAML's parser gives a stream of events, and the values are built here, so that nothing that
PyYAML would construct (tags, dates, `yes` as a boolean, binary floats) can come in, every value
knows its line and column, and a hostile document is refused before it costs much: the nesting
limit is applied while events arrive, not after a recursive constructor has run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

from dpgate.errors import DocumentError, Problem
from dpgate.loading.scalars import Scalar, ScalarError, resolve

MAX_BYTES = 256 * 1024
MAX_DEPTH = 20
MAX_NODES = 60_000
MAX_PROBLEMS = 50

Path = tuple[str | int, ...]
Position = tuple[int, int]
Value = Scalar | tuple["Value", ...] | dict[str, "Value"]

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# Controls, Unicode line breaks (lines would be counted differently by different readers), and
# the bidirectional controls, with which a document can be shown otherwise than it is read.
_FORBIDDEN = re.compile(
    "[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufeff\ufffe\uffff]|\r(?!\n)"
)


@dataclass(frozen=True, kw_only=True)
class Parsed:
    """A YAML document as plain values, and where each of them stands."""

    value: dict[str, Value]
    positions: dict[Path, Position]
    """Line and column, both from 1, of the value at each path."""
    keys: dict[Path, Position]
    """The same for the key that leads to the value."""
    ends: dict[Position, Position] = field(repr=False, compare=False)
    """Where the word, text or collection that begins at a place ends: the column after its last character.

    Of a block collection and its first key, which begin at one place, it is the key's."""


def parse(file: str, data: bytes) -> Parsed:
    """Read one YAML document whose top level is a mapping.

    Args:
        file: path to show in problems.
        data: the raw bytes, UTF-8.

    Returns:
        Mappings as dict, sequences as tuple, numbers as int or Decimal.

    Raises:
        DocumentError: with every problem found, each at its line and column.
    """
    builder = _Builder(file)
    try:
        builder.run(_text(file, data))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        what = " ".join(filter(None, (error.context, error.problem)))
        builder.add(place, f"this is not YAML: {what}", "correct the spelling of this line")
    except yaml.YAMLError:
        builder.add((1, 1), "this is not YAML", "save the file as plain text in UTF-8")
    except _StopError:
        pass
    if builder.problems:
        shown = builder.problems[:MAX_PROBLEMS]
        raise DocumentError(tuple(ended(problem, builder.ends) for problem in shown))
    return Parsed(
        value=builder.top, positions=builder.positions, keys=builder.keys, ends=builder.ends
    )


def ended(problem: Problem, ends: Mapping[Position, Position]) -> Problem:
    """A problem that says where the value at its place ends."""
    line, column = ends.get((problem.line, problem.column), (0, 0))
    return replace(problem, end_line=line, end_column=column)


def _text(file: str, data: bytes) -> str:
    """The document as text, refused unless it is short, UTF-8 and free of hidden characters."""

    def refuse(before: str, message: str, fix: str) -> DocumentError:
        before = before.replace("\r\n", "\n").replace("\r", "\n")  # each ends a line in YAML
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        return DocumentError(
            (Problem(file=file, line=line, column=column, message=message, fix=fix),)
        )

    if len(data) > MAX_BYTES:
        raise refuse("", f"longer than {MAX_BYTES // 1024} KiB", "split or shorten the document")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        raise refuse(before, "not UTF-8 text", "save the file as UTF-8") from None
    if found := _FORBIDDEN.search(text):
        what = "a tab" if found[0] == "\t" else f"the character U+{ord(found[0]):04X}"
        raise refuse(text[: found.start()], f"{what} is not allowed", "use spaces and plain text")
    if found := re.search(r"^%", text, re.MULTILINE):
        raise refuse(text[: found.start()], "YAML directives are not allowed", "remove this line")
    return text


class _StopError(Exception):
    """Nothing after this problem can be read."""


@dataclass(slots=True)
class _Open:
    """A mapping or sequence whose end has not been seen."""

    path: Path
    items: dict[str, Value] | list[Value]
    place: Position
    key: str | None = None
    """Key of a mapping whose value comes next."""


@dataclass(slots=True)
class _Builder:
    file: str
    top: dict[str, Value] = field(default_factory=dict)
    positions: dict[Path, Position] = field(default_factory=dict)
    keys: dict[Path, Position] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    ends: dict[Position, Position] = field(default_factory=dict)
    last: Position = (1, 1)
    """Where the last word, text or bracketed collection ended."""
    text: str = ""
    lines: list[str] = field(default_factory=list)
    """Of `text`, once they are needed."""
    stack: list[_Open] = field(default_factory=list)
    nodes: int = 0
    skipped: int = 0
    """How deep inside a mapping key that is no scalar."""

    def add(self, place: Position, message: str, fix: str) -> None:
        line, column = place
        self.problems.append(
            Problem(file=self.file, line=line, column=column, message=message, fix=fix)
        )

    def stop(self, place: Position, message: str, fix: str) -> _StopError:
        self.add(place, message, fix)
        return _StopError()

    def run(self, text: str) -> None:
        self.text = text
        documents = 0
        for event in yaml.parse(text, Loader=_LOADER):
            mark: Any = event.start_mark
            place = (mark.line + 1, mark.column + 1)
            if isinstance(event, yaml.NodeEvent):  # the most frequent first
                self.node(event, place)
            elif isinstance(event, yaml.CollectionEndEvent):
                self.close(event)
            elif isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self.stop(
                        place, "a second document starts here", "write one document per file"
                    )
        if not documents:
            raise self.stop((1, 1), "the file is empty", "write a document, or remove the file")

    def node(self, event: Any, place: Position) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise self.stop(place, f"more than {MAX_NODES:,} values", "shorten the document")
        if len(self.stack) + self.skipped >= MAX_DEPTH:
            raise self.stop(place, f"nested deeper than {MAX_DEPTH}", "flatten the document")
        if event.anchor is not None:  # of an alias too
            if isinstance(event, yaml.AliasEvent):
                raise self.stop(place, "aliases are not allowed", "repeat the value in full")
            self.add(place, "anchors are not allowed", "remove it, and repeat the value in full")
        if event.tag is not None:
            self.add(place, "tags are not allowed", "remove the tag; quotes make a value text")
        if not isinstance(event, yaml.ScalarEvent):
            self.open(event, place)
        elif not self.stack:
            raise self.stop(place, "a mapping was expected at the top", "start with apiVersion:")
        elif not self.skipped:
            self.scalar(event, place)

    def open(self, event: Any, place: Position) -> None:
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        if not self.stack and not is_mapping:
            raise self.stop(place, "a mapping was expected at the top", "start with apiVersion:")
        if self.skipped or self.expects_key():
            if not self.skipped:
                self.add(place, "a key must be text", "write a plain word before the colon")
            self.skipped += 1
            return
        path = self.put({}, place) if is_mapping else self.put((), place)
        self.stack.append(_Open(path, self.top if not path else {} if is_mapping else [], place))

    def close(self, event: Any) -> None:
        begins = event.start_mark
        if begins.index != event.end_mark.index:  # a bracket or brace, where a block has nothing
            self.last = (event.end_mark.line + 1, event.end_mark.column + 1)
        if self.skipped:
            self.skipped -= 1
            if not self.skipped:
                self.stack[-1].key = ""  # a stand-in, so that the value is read as a value
            return
        done = self.stack.pop()
        self.ends.setdefault(done.place, self.last)
        if not done.path:
            return
        parent = self.stack[-1].items
        finished: Value = tuple(done.items) if isinstance(done.items, list) else done.items
        parent[done.path[-1]] = finished  # type: ignore[index]  # the path is of its kind

    def expects_key(self) -> bool:
        if not self.stack:
            return False
        inner = self.stack[-1]
        return inner.key is None and isinstance(inner.items, dict)

    def put(self, value: Value, place: Position) -> Path:
        """Place a value in the innermost open collection; returns its path."""
        if not self.stack:
            self.positions[()] = place
            return ()
        inner = self.stack[-1]
        if isinstance(inner.items, list):
            path: Path = (*inner.path, len(inner.items))
            inner.items.append(value)
        else:
            key = inner.key or ""
            path = (*inner.path, key)
            inner.items[key] = value
            inner.key = None
        self.positions[path] = place
        return path

    def scalar(self, event: Any, place: Position) -> None:
        # Escapes are the one way around the search of the whole text; only these quotes know any.
        if event.style == '"' and (found := _FORBIDDEN.search(event.value)):
            self.add(place, f"U+{ord(found[0]):04X} is not allowed", "remove the escape")
        self.end(event, place)
        value: Scalar = event.value
        if not event.style:  # plain: neither quoted nor a block
            try:
                value = resolve(event.value)
            except ScalarError as error:
                self.add(place, error.message, error.fix)
        if self.expects_key():
            self.key(value, event, place)
        else:
            self.put(value, place)

    def end(self, event: Any, place: Position) -> None:
        mark = event.end_mark
        self.last = (mark.line + 1, mark.column + 1)
        if event.style in ("|", ">"):  # its mark is where the next key begins
            self.lines = self.lines or self.text.split("\n")
            line = mark.line + (mark.column > 0)
            while line > place[0] and not self.lines[line - 1].strip():
                line -= 1
            self.last = (line, len(self.lines[line - 1].rstrip()) + 1)
        if self.last != place:  # nothing stands where a value is left out
            self.ends[place] = self.last

    def key(self, value: Scalar, event: Any, place: Position) -> None:
        inner = self.stack[-1]
        inner.key = value if isinstance(value, str) else ""
        path = (*inner.path, inner.key)
        if not isinstance(value, str):
            self.add(place, "a key must be text", "put quotes around the key")
        elif not event.style and value == "<<":
            self.add(place, "merge keys are not allowed", "repeat the values in full")
        elif path in self.keys:
            line, _ = self.keys[path]
            self.add(place, f"key {value!r} is given twice, first in line {line}", "keep one")
        self.keys.setdefault(path, place)
