"""The catalogue for editors: which rules there are, and which options each of them takes."""

from __future__ import annotations

from typing import Any, get_args

from dpgate.loading.catalogue import shipped
from dpgate.model.catalogue import CatalogueRule, Domain, Option
from dpgate.model.formats import Format
from dpgate.model.rule import Enforcement


def schema() -> dict[str, Any]:
    """The JSON Schema of `spec.catalogue`."""
    return _closed({name: _rule(shipped.rule(name)) for name in shipped.names()})


def _closed(properties: dict[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
    made = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**made, "required": list(required)} if required else made


def _rule(known: CatalogueRule) -> dict[str, Any]:
    needed = tuple(name for name, option in known.options.items() if option.default is None)
    options = {name: _option(option) for name, option in known.options.items()}
    enforcement = {"enum": list(get_args(Enforcement)), "default": known.rule.enforcement}
    made = _closed(
        {"enforcement": enforcement, "options": _closed(options, needed)},
        ("options",) if needed else (),
    )
    return {"description": f"{known.rule.title}. {shipped.page(known.rule.id)}", **made}


def _option(option: Option) -> dict[str, Any]:
    about = option.about if option.unit is None else f"{option.about} ({option.unit})"
    if option.type in ("numbers", "counts", "lists"):
        inner = {"numbers": "number", "counts": "count", "lists": "names"}[option.type]
        by_name = {"type": "object", "additionalProperties": _plain(inner, option)}
        return {"description": about, **by_name}
    return {"description": about, **_plain(option.type, option)}


def _plain(kind: str, option: Option) -> dict[str, Any]:
    if kind == "flag":
        return {"type": "boolean"}
    if kind == "name":
        return _word(option.entries)
    if kind == "names":
        return {"type": "array", "items": _word(option.entries)}
    most = {} if option.at_most is None else {"maximum": float(option.at_most)}
    return {"type": "number" if kind == "number" else "integer", "minimum": 0, **most}


def _word(domain: Domain | None) -> dict[str, Any]:
    if domain == "format":
        return {"enum": list(get_args(Format))}
    return (
        {"type": "string", "pattern": "^[A-Z]{2}$"} if domain == "country" else {"type": "string"}
    )
