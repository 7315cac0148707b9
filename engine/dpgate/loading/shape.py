"""Which keys a model knows at a path of a document, for suggestions in error messages."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from dpgate.loading.yaml import Path, Value

TAGS = ("type", "metric")
"""Keys by which documents choose among alternatives."""


def known_keys(model: type[BaseModel], document: Value, path: Path) -> tuple[str, ...]:
    """Keys that may stand in the mapping at `path`; none where the model leaves them open.

    Args:
        model: model of the whole document.
        document: the values as read, which decide between alternatives by their tags.
        path: path of a mapping inside the document.
    """
    names: dict[str, None] = {}
    for annotation in _walk(model, document, path):
        if _is_model(annotation):
            names.update(dict.fromkeys(_fields(annotation)))
    return tuple(names)


def _walk(model: type[BaseModel], document: Value, path: Path) -> list[Any]:
    """The annotations that may apply at `path`."""
    here: list[Any] = [model]
    value = document
    for step in path:
        here = [
            member
            for annotation in here
            for inner in _inside(annotation, step)
            for member in _members(inner)
        ]
        value = _get(value, step)
        chosen = [a for a in here if _is_model(a) and _chosen(a, value)]
        here = chosen or here
    return here


def _inside(annotation: Any, step: str | int) -> tuple[Any, ...]:
    """Annotations of what `step` leads to."""
    if _is_model(annotation):
        return tuple(inner for name, inner in _fields(annotation).items() if name == step)
    given = get_args(annotation)
    # A mapping leads to its second argument, a list to its first, and text to nothing.
    return {dict: given[1:], tuple: given[:1]}.get(get_origin(annotation), ())


def _members(annotation: Any) -> Iterator[Any]:
    """The alternatives of an annotation, without Annotated and Optional around them."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _members(get_args(annotation)[0])
    elif origin in (Union, types.UnionType):
        for member in get_args(annotation):
            yield from _members(member)
    else:
        yield annotation


def _fields(model: type[BaseModel]) -> dict[str, Any]:
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _chosen(model: type[BaseModel], value: Value) -> bool:
    """Whether a mapping says by its tag that it is this alternative."""
    fields = ((tag, model.model_fields.get(tag)) for tag in TAGS)
    return any(f is not None and _get(value, tag) in get_args(f.annotation) for tag, f in fields)


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _get(value: Value, step: str | int) -> Value:
    if isinstance(value, dict) and isinstance(step, str):
        return value.get(step)
    if isinstance(value, tuple) and isinstance(step, int) and step < len(value):
        return value[step]
    return None
