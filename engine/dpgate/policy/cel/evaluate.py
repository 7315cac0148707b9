"""Judging by a rule: whether it holds for a release, and what is said where it does not."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from cel_expr_python import cel

from dpgate.policy.cel.compile import Program
from dpgate.policy.cel.schema import value_of
from dpgate.policy.cel.source import Verdict, plain


class Scene:
    """The facts of one release, for any number of rules."""

    def __init__(self, facts: Mapping[str, object]) -> None:
        """Take facts by root: of `dpgate.policy.cel.types`, or what `plain` makes of them."""
        self.values = {root: value_of(root, fact) for root, fact in facts.items()}
        self._activations: dict[object, cel.Activation] = {}

    def judge(self, program: Program, options: Mapping[str, object] | None = None) -> Verdict:
        """Judge by one rule.

        Args:
            program: the rule.
            options: values of the options that it declares.
        """
        rule = program.source.id
        lacking = program.needs - self.values.keys()
        if lacking:
            return Verdict(rule, "error", f"{min(lacking)} is not known here")
        activation = self._activation(program, options)
        for expression, otherwise in ((program.when, "not-about"), (program.assertion, "violated")):
            value, error = _value(expression, activation)
            if error:
                return Verdict(rule, "error", error)
            if value is not True:
                if otherwise == "not-about":
                    return Verdict(rule, "not-about")
                return Verdict(rule, "violated", self._message(program, activation))
        return Verdict(rule, "holds")

    def holds(self, expression: cel.Expression, env: cel.Env) -> bool | None:
        """Whether an expression is true; None if it could not be evaluated."""
        value, error = _value(expression, env.Activation(data=self.values))
        return None if error else value is True

    def _activation(self, program: Program, options: Mapping[str, object] | None) -> cel.Activation:
        declared = program.source.options
        if not declared:
            if program.env not in self._activations:
                self._activations[program.env] = program.env.Activation(data=self.values)
            return self._activations[program.env]
        given = {f"options.{name}": plain((options or {})[name]) for name, _ in declared}
        return program.env.Activation(data={**self.values, **given})

    def _message(self, program: Program, activation: cel.Activation) -> str:
        told = ""
        for part in program.message:
            if isinstance(part, str):
                told += part
                continue
            value, error = _value(part, activation)
            told += f"({error})" if error else shown(value)
        return clean(told, 1_000)


def _value(expression: cel.Expression, activation: cel.Activation) -> tuple[Any, str]:
    """The value of an expression, or why there is none."""
    try:
        found = expression.eval(activation)
        if found.type() == cel.Type.ERROR:
            return None, _reason(str(found.plain_value()))
        return found.plain_value(), ""
    except RuntimeError as error:
        return None, _reason(str(error))


def _reason(text: str) -> str:
    if "Iteration budget" in text:
        return "it takes more than 10,000 steps"
    told = re.sub(r"^[A-Z_]+: ", "", text)
    return clean(re.sub(r" \[[A-Z_]+\]$", "", told), 200)


_LISTED = 10
"""Elements of a list that a message shows."""


def shown(value: object) -> str:
    """A value in a message: plain digits, text as it is, lists with commas."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, Mapping):
        return shown([f"{shown(key)}: {shown(inner)}" for key, inner in _some(value.items())])
    if isinstance(value, list | tuple):
        listed = ", ".join(shown(inner) for inner in value[:_LISTED]) or "none"
        more = len(value) - _LISTED
        return f"{listed} and {more} more" if more > 0 else listed
    return clean(str(value), 200)


def _some(items: Any) -> list[Any]:
    return [item for item, _ in zip(items, range(_LISTED), strict=False)]


def _number(value: float) -> str:
    if not math.isfinite(value):
        return str(value)
    text = repr(value)
    return text.removesuffix(".0") if "e" not in text else text


def clean(text: str, most: int) -> str:
    """One line of at most so many printable characters."""
    line = "".join(c if c.isprintable() else " " for c in text[: most + 1])
    return line if len(line) <= most else line[: most - 1] + "…"
