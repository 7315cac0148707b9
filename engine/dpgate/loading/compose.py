"""Documents made out of others: a manifest with a few values changed, and where each one comes from.

A test says what is otherwise than in a manifest. The two together are written out as one document
and read again like any other, so that nothing in it is checked by other code than a real one; and
whatever is said of a place in it is said of the place where a person wrote that value.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import NamedTuple

from dpgate.errors import DocumentError, Problem
from dpgate.loading.documents import Loaded, load
from dpgate.loading.explain import position
from dpgate.loading.yaml import Parsed, Path, Position, Value, parse


class Place(NamedTuple):
    """Where something was written."""

    file: str
    start: Position
    end: Position
    """The column is the first that is not part of it; 0, 0 where unknown."""


@dataclass(frozen=True)
class Written:
    """A value as it stands in some file."""

    file: str
    parsed: Parsed
    path: Path
    """Where it stands there."""
    loaded: Loaded | None = None
    """The document, where the value is a whole one that was read."""

    @property
    def value(self) -> Value:
        """The value."""
        found: Value = self.parsed.value
        for step in self.path:
            found = found[step]  # type: ignore[index]  # the path was read off this document
        return found

    def place(self, inner: Path = ()) -> Place:
        """Where a value within it stands."""
        start = position(self.parsed, (*self.path, *inner))
        return Place(self.file, start, self.parsed.ends.get(start, (0, 0)))


@dataclass(frozen=True)
class Change:
    """A value that takes the place of another."""

    path: Path
    """In the document that is changed; steps are as written, so an index may be text of digits."""
    to: Written


@dataclass(frozen=True)
class Composed:
    """A document that was made, and where its values come from."""

    loaded: Loaded
    origin: Callable[[Path], Place]
    """Where the value at a path was written by a person."""

    def path_at(self, line: int, column: int) -> Path | None:
        """The path of the value that stands at a place of the document that was made."""
        return _paths(self.loaded.parsed).get((line, column))


def compose(file: str, base: Written, changes: Iterable[Change] = ()) -> Composed:
    """Make a document of a mapping and of changes to it.

    Args:
        file: the path that the document is to have.
        base: a whole document.
        changes: values to put in, in order; None in the place of a value removes its key.

    Raises:
        DocumentError: a change fits nowhere, or the document is malformed; at the place where the
            wrong value was written.
    """
    changes = tuple(changes)
    if base.loaded is not None and not changes:
        return Composed(base.loaded, base.place)
    value = base.value
    made: dict[Path, Written] = {}
    for change in changes:
        path = _resolved(value, change)
        value = _put(value, path, change.to.value)
        made = {known: to for known, to in made.items() if known[: len(path)] != path}
        made[path] = change.to

    def origin(path: Path) -> Place:
        for depth in range(len(path), 0, -1):
            if path[:depth] in made:
                return made[path[:depth]].place(path[depth:])
        return base.place(path)

    data = _written(value).encode()
    parsed = Parsed(value={}, positions={}, keys={}, ends={})
    try:
        parsed = parse(file, data)
        return Composed(load(file, data), origin)
    except DocumentError as error:
        paths = _paths(parsed)
        raise DocumentError(
            tuple(_moved(problem, paths, origin) for problem in error.problems)
        ) from None


def _moved(
    problem: Problem, paths: dict[Position, Path], origin: Callable[[Path], Place]
) -> Problem:
    place = origin(paths.get((problem.line, problem.column), ()))
    (line, column), (end_line, end_column) = place.start, place.end
    return replace(
        problem,
        file=place.file,
        line=line,
        column=column,
        end_line=end_line,
        end_column=end_column,
    )


def _paths(parsed: Parsed) -> dict[Position, Path]:
    places = {place: path for path, place in parsed.keys.items()}
    return {**places, **{place: path for path, place in parsed.positions.items()}}


def _resolved(value: Value, change: Change) -> Path:
    """The path of a change, with digits as indexes where a list stands."""
    path: list[str | int] = []
    found: Value = value
    for number, step in enumerate(change.path):
        if isinstance(found, tuple) and str(step).isdecimal() and int(step) < len(found):
            path.append(int(step))
            found = found[int(step)]
        elif isinstance(found, dict) and (step in found or number == len(change.path) - 1):
            path.append(str(step))
            found = found.get(str(step))
        elif found is None or isinstance(found, dict):
            path += [str(rest) for rest in change.path[number:]]
            return tuple(path)
        else:
            file, (line, column), _ = change.to.place()
            what = f"a list of {len(found)}" if isinstance(found, tuple) else "a value"
            message = f"{'.'.join(map(str, change.path[:number]))} is {what}: it has no {step}"
            fix = "name a key that is there; entries of a list count from 0"
            raise DocumentError(
                (Problem(file=file, line=line, column=column, message=message, fix=fix),)
            )
    return tuple(path)


def _put(value: Value, path: Path, new: Value) -> Value:
    """The value with another one at a path."""
    if not path:
        return new
    step, rest = path[0], path[1:]
    if isinstance(value, tuple) and isinstance(step, int):
        items = list(value)
        if new is None and not rest:
            del items[step]
        else:
            items[step] = _put(items[step], rest, new)
        return tuple(items)
    made = dict(value) if isinstance(value, dict) else {}
    if new is None and not rest:
        made.pop(str(step), None)
    else:
        made[str(step)] = _put(made.get(str(step)), rest, new)
    return made


def _written(value: Value) -> str:
    """A value as YAML in its JSON form, one line a value; numbers digit for digit."""
    if isinstance(value, dict):
        inner = ",\n".join(f"{_text(key)}: {_written(item)}" for key, item in value.items())
        return f"{{\n{inner}\n}}" if inner else "{}"
    if isinstance(value, tuple):
        return "[" + ",\n".join(map(_written, value)) + "]"
    if isinstance(value, Decimal):
        text = format(value, "f")
        return text if "." in text else f"{text}.0"  # a decimal stays one, and no whole number
    return _text(value) if isinstance(value, str) else json.dumps(value)


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
