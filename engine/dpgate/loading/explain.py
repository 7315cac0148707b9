"""What a model found wrong, in plain words and at its place in the document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from dpgate.errors import Problem
from dpgate.loading import wording
from dpgate.loading.shape import TAGS, known_keys
from dpgate.loading.yaml import MAX_PROBLEMS, Parsed, Path, Position, Value


@dataclass(frozen=True)
class _Error:
    """One error of the model, its path cleared of the model's labels for alternatives."""

    kind: str
    path: Path
    context: dict[str, Any]
    message: str
    labelled: bool
    """Whether it concerns one of several alternatives at `path`."""


def explain(
    file: str, parsed: Parsed, model: type[BaseModel], error: ValidationError
) -> tuple[Problem, ...]:
    """Every error of a model as a problem with its place, in the order of the document."""
    errors = [
        _cleared(parsed.value, item)
        for item in error.errors(include_url=False, include_input=False)
    ]
    mismatches: dict[Path, list[_Error]] = {}
    found = []
    for item in _relevant(errors):
        if (
            item.kind in wording.KINDS
            or item.kind in wording.LIMITS
            or item.kind == "literal_error"
        ):
            mismatches.setdefault(item.path, []).append(item)
        else:
            found.append((_place(parsed, item), *_words(parsed, model, item)))
    found += [
        (position(parsed, path), *_mismatch(parsed, path, group))
        for path, group in mismatches.items()
    ]
    found.sort()
    return tuple(
        Problem(file=file, line=line, column=column, message=message, fix=fix)
        for (line, column), message, fix in found[:MAX_PROBLEMS]
    )


def position(parsed: Parsed, path: Path) -> Position:
    """Where the value at `path` stands, or else the nearest mapping or list around it."""
    while path not in parsed.positions:
        path = path[:-1]
    return parsed.positions[path]


def _cleared(document: Value, item: Any) -> _Error:
    """Drop the steps of a location that are no steps of the document."""
    path: list[str | int] = []
    value = document
    labelled = False
    for step in item["loc"]:
        # The label of the alternative that a tag chose comes before any key of the mapping.
        chosen = [value.get(tag) for tag in TAGS] if isinstance(value, dict) else []
        tag = step in chosen and not labelled
        labelled = tag or not _has(value, step)
        if not labelled:
            value = value[step]  # type: ignore[index]  # _has says that it can be
            path.append(step)
    kind = "key" if item["loc"] and item["loc"][-1] == "[key]" else item["type"]
    if kind == "missing":
        path.append(item["loc"][-1])
    return _Error(kind, tuple(path), item.get("ctx", {}), item["msg"], labelled)


def _has(value: Value, step: str | int) -> bool:
    if isinstance(value, dict):
        return step in value
    return isinstance(value, tuple) and isinstance(step, int) and step < len(value)


def _relevant(errors: list[_Error]) -> list[_Error]:
    """Leave out what only follows from another error."""
    inner = {error.path[:depth] for error in errors for depth in range(len(error.path))}
    bounded = {error.path for error in errors if error.labelled and error.kind in wording.LIMITS}
    kept = []
    for error in errors:
        # Of several alternatives, the one that came closest says what is wrong.
        closer = error.path in inner or (error.path in bounded and error.kind not in wording.LIMITS)
        # A list is also reported as too short when its entries were refused.
        follows = error.kind == "too_short" and error.path in inner
        if not follows and not (error.labelled and closer and error.kind != "missing"):
            kept.append(error)
    return kept


def _place(parsed: Parsed, error: _Error) -> Position:
    if error.kind in ("extra_forbidden", "key"):
        return parsed.keys[error.path]
    if error.kind == "union_tag_invalid":
        return position(parsed, (*error.path, _tag(error)))
    return position(parsed, error.path)


def _tag(error: _Error) -> str:
    """The key that chooses among alternatives."""
    return str(error.context.get("discriminator", "type")).strip("'")


def _words(parsed: Parsed, model: type[BaseModel], error: _Error) -> tuple[str, str]:
    """Message and fix of an error that stands alone."""
    path, last = error.path, error.path[-1] if error.path else ""
    if error.kind == "missing":
        return f"{wording.where(path[:-1])}: key {last!r} is missing", f"add {last}:"
    if error.kind == "union_tag_not_found":
        return f"{wording.where(path)}: key {_tag(error)!r} is missing", f"add {_tag(error)}:"
    if error.kind == "extra_forbidden":
        return wording.unknown_key(str(last), known_keys(model, parsed.value, path[:-1]))
    if error.kind == "key":
        wanted, fix = wording.key(str(last), error.context)
        return f"{wording.where(path[:-1])}: expected {wanted}; found key {last!r}", fix
    if error.kind == "union_tag_invalid":
        wanted = wording.choice(error.context["expected_tags"])
        found = wording.short(str(error.context["tag"]))
        fix = wording.fix("literal_error", {"expected": wanted}, error.context["tag"])
        return (
            f"{wording.where((*path, _tag(error)))}: expected one of {wanted}; found {found}",
            fix,
        )
    return f"{wording.where(path)}: {error.context.get('error', error.message)}", ""


def _mismatch(parsed: Parsed, path: Path, group: list[_Error]) -> tuple[str, str]:
    """A value of the wrong kind or out of bounds, with all that would have been right."""
    value: Any = parsed.value
    for step in path:
        value = value[step]
    wanted = dict.fromkeys(wording.expected(error.kind, error.context) for error in group)
    message = f"expected {', or '.join(wanted)}; found {wording.describe(value)}"
    words = any(error.kind == "literal_error" for error in group)
    # Where words can stand, a wrong one is not a list that lacks its brackets.
    likely = [e for e in group if not (words and e.kind == "tuple_type")]
    fix = next(filter(None, (wording.fix(e.kind, e.context, value) for e in likely)), "")
    return f"{wording.where(path)}: {message}", fix
