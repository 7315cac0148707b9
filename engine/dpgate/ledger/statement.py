"""in-toto Statement v1: a typed predicate about subjects named by digest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from dpgate.errors import ChainError
from dpgate.loading.canonical import NotCanonical, canonical, is_canonical, parse_json
from dpgate.model.record import PREDICATES, Predicate

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
_KEYS = {"_type", "subject", "predicateType", "predicate"}


@dataclass(frozen=True)
class Statement:
    """What is signed.

    Attributes:
        subjects: name of each subject and its digest (``sha256:…``).
        predicate: what is said of them.
    """

    subjects: tuple[tuple[str, str], ...]
    predicate: Predicate

    def body(self) -> dict[str, object]:
        """The statement as JSON values."""
        subject = [
            {"name": name, "digest": {"sha256": digest.removeprefix("sha256:")}}
            for name, digest in self.subjects
        ]
        return {
            "_type": STATEMENT_TYPE,
            "subject": subject,
            "predicateType": self.predicate.TYPE,
            "predicate": self.predicate.model_dump(mode="json"),
        }

    def payload(self) -> bytes:
        """Canonical JSON (RFC 8785)."""
        return canonical(self.body())


def statement(predicate: Predicate, subjects: Mapping[str, str]) -> Statement:
    """A statement about subjects, in order of their names."""
    return Statement(tuple(sorted(subjects.items())), predicate)


def parse(payload: bytes, *, max_bytes: int) -> Statement:
    """Read a signed payload; only the canonical form of a known predicate is accepted.

    Raises:
        ChainError: it is not one.
    """
    try:
        body = parse_json(payload, max_bytes=max_bytes)
        predicate = _kind(body).model_validate(_tuples(body["predicate"]))
        parsed = Statement(
            tuple((s["name"], "sha256:" + s["digest"]["sha256"]) for s in body["subject"]),
            predicate,
        )
        # Stronger than holding the two values against each other: 1 is not true here.
        same = is_canonical(parsed.body(), payload)
    except NotCanonical as error:
        raise ChainError(f"not a statement: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ChainError(f"malformed predicate: {where}: {first['msg']}") from None
    except (KeyError, TypeError, AttributeError):
        raise ChainError("not a statement: malformed subject") from None
    if not same:
        raise ChainError("the payload is not the canonical form of the statement it holds")
    return parsed


def _kind(body: object) -> type[Predicate]:
    if not isinstance(body, dict) or body.keys() != _KEYS:
        raise NotCanonical("expected _type, subject, predicateType and predicate")
    name = body["predicateType"]
    kind = PREDICATES.get(name) if isinstance(name, str) else None
    if kind is None:
        raise NotCanonical(f"unknown predicateType {str(name)[:80]!r}")
    return kind


def _tuples(value: object) -> object:
    """JSON arrays as tuples, since models are strict."""
    if isinstance(value, list):
        return tuple([_tuples(item) if isinstance(item, _NESTED) else item for item in value])
    if isinstance(value, dict):
        return {
            k: _tuples(item) if isinstance(item, _NESTED) else item for k, item in value.items()
        }
    return value


_NESTED = (dict, list)
