"""The facts as protobuf messages, made at run time from their types, and CEL over them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from decimal import Decimal
from functools import lru_cache
from typing import Any, cast, get_args, get_origin, get_type_hints

from cel_expr_python import cel
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message

from dpgate.policy.cel.roots import ROOTS
from dpgate.policy.cel.source import Options, plain
from dpgate.policy.cel.types import TYPES

PACKAGE = "dpgate"
_FIELD = descriptor_pb2.FieldDescriptorProto
_SCALARS: dict[object, Any] = {
    str: _FIELD.TYPE_STRING,
    int: _FIELD.TYPE_INT64,
    bool: _FIELD.TYPE_BOOL,
    Decimal: _FIELD.TYPE_DOUBLE,
}
_CEL = {
    "string": cel.Type.STRING,
    "int": cel.Type.INT,
    "double": cel.Type.DOUBLE,
    "bool": cel.Type.BOOL,
}


@lru_cache(maxsize=1)
def pool() -> descriptor_pool.DescriptorPool:
    """Descriptors of all fact types."""
    file = descriptor_pb2.FileDescriptorProto(
        name="dpgate/facts.proto", package=PACKAGE, syntax="proto3"
    )
    for kind in TYPES:
        message = file.message_type.add(name=kind.__name__)
        hints = get_type_hints(kind)
        for number, field in enumerate(fields(kind), start=1):
            _field(message, field.name, number, hints[field.name])
    made = descriptor_pool.DescriptorPool()
    made.Add(file)
    return made


def _field(
    message: descriptor_pb2.DescriptorProto, name: str, number: int, annotation: object
) -> None:
    field = message.field.add(name=name, number=number, label=_FIELD.LABEL_OPTIONAL)
    if get_origin(annotation) is tuple:
        field.label = _FIELD.LABEL_REPEATED
        annotation = get_args(annotation)[0]
    elif get_origin(annotation) is Mapping:
        entry = message.nested_type.add(name=f"{name.capitalize()}Entry")
        entry.options.map_entry = True
        _field(entry, "key", 1, str)
        _field(entry, "value", 2, get_args(annotation)[1])
        field.label, field.type = _FIELD.LABEL_REPEATED, _FIELD.TYPE_MESSAGE
        field.type_name = f".{PACKAGE}.{message.name}.{entry.name}"
        return
    if annotation in _SCALARS:
        field.type = _SCALARS[annotation]
    else:
        field.type = _FIELD.TYPE_MESSAGE
        field.type_name = f".{PACKAGE}.{cast('type', annotation).__name__}"


@lru_cache(maxsize=32)
def message_class(name: str) -> type[Message]:
    """The message class of a fact type."""
    return message_factory.GetMessageClass(pool().FindMessageTypeByName(f"{PACKAGE}.{name}"))


def value_of(root: str, fact: object) -> Any:
    """The facts of a root as CEL takes them; facts, or what `plain` makes of them.

    Args:
        root: name of the root, which says what messages they are.
        fact: the facts.
    """
    return _as_type(ROOTS[root], fact)


def message(fact: object) -> Message:
    """One fact as a message; facts may hold messages in place of facts."""
    return message_class(type(fact).__name__)(**plain(fact))


def _as_type(kind: str, fact: Any) -> Any:
    head, _, rest = kind.partition("(")
    if isinstance(fact, Message):
        return fact
    if head == "list":
        if fact and isinstance(fact[0], Message):
            return fact
        return [_as_type(rest[:-1], each) for each in fact]
    if head == "map":
        inner = rest[:-1].partition(",")[2].strip()
        return {key: _as_type(inner, each) for key, each in fact.items()}
    return message_class(head)(**plain(fact))


def cel_type(text: str) -> cel.Type:
    """A type by its name: `string`, `list(double)`, `map(string, list(string))`, `Past`."""
    head, _, rest = text.strip().partition("(")
    if head == "list":
        return cel.Type.List(cel_type(rest[:-1]))
    if head == "map":
        key, _, value = rest[:-1].partition(",")
        return cel.Type.Map(cel_type(key), cel_type(value))
    return _CEL.get(head) or cel.Type(f"{PACKAGE}.{head}")


@lru_cache(maxsize=256)
def environment(roots: frozenset[str], options: Options = ()) -> cel.Env:
    """CEL in which expressions can use these roots and options, and nothing else."""
    variables = {root: cel_type(ROOTS[root]) for root in sorted(roots)}
    variables |= {f"options.{name}": cel_type(kind) for name, kind in options}
    return cel.NewEnv(pool(), variables=variables)
