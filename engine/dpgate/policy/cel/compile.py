"""From the text of a rule to programs: every fault at its place, before anything is judged."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from cel_expr_python import cel

from dpgate.policy.cel import wording
from dpgate.policy.cel.bounds import excess
from dpgate.policy.cel.roots import CHECKED, ROOTS, Stage, stage_of
from dpgate.policy.cel.schema import environment
from dpgate.policy.cel.source import Fault, Options, RuleError, Source
from dpgate.policy.cel.template import Hole, TemplateError, parts


@dataclass(frozen=True, eq=False)
class Program:
    """A rule that can be judged by."""

    source: Source
    env: cel.Env
    when: cel.Expression
    assertion: cel.Expression
    message: tuple[str | cel.Expression, ...]
    needs: frozenset[str]
    """The facts that it uses."""

    @property
    def stage(self) -> Stage:
        """When it can be judged."""
        return stage_of(self.needs)


@lru_cache(maxsize=4096)
def compile_rule(source: Source) -> Program:
    """Compile a rule.

    Raises:
        RuleError: with every fault found, one for each of its expressions.
    """
    roots = CHECKED if source.early else frozenset(ROOTS)
    env = environment(roots, source.options)
    faults: list[Fault] = []
    used: set[str] = set()

    def expression(key: str, text: str, start: int = 0, *, truth: bool) -> cel.Expression | None:
        try:
            made = compile_expression(text, roots, source.options, truth=truth)
        except ExpressionError as error:
            faults.append(Fault(key, start + error.offset, error.message, error.fix))
            return None
        used.update(uses(text, source.options))
        return made

    when = expression("when", source.when, truth=True)
    assertion = expression("assert", source.assertion, truth=True)
    message: list[str | cel.Expression | None] = []
    try:
        for part in parts(source.message):
            if isinstance(part, Hole):
                message.append(expression("message", part.source, part.offset, truth=False))
            else:
                message.append(part)
    except TemplateError as error:
        faults.append(
            Fault("message", error.offset, error.message, "{{ and }} stand for braces themselves")
        )
    if faults or when is None or assertion is None:
        raise RuleError(source.id, tuple(faults))
    told = tuple(part for part in message if part is not None)
    return Program(source, env, when, assertion, told, frozenset(used))


class ExpressionError(Exception):
    """An expression cannot be used."""

    def __init__(self, offset: int, message: str, fix: str) -> None:
        super().__init__(message)
        self.offset = offset
        self.message = message
        self.fix = fix


def compile_expression(
    text: str, roots: Iterable[str], options: Options = (), *, truth: bool
) -> cel.Expression:
    """Compile one expression.

    Args:
        text: the expression.
        roots: facts that it can use.
        options: options that it can use.
        truth: whether it must be true or false.

    Raises:
        ExpressionError: it cannot be used; says where and why.
    """
    known = frozenset(roots)
    try:
        made = environment(known, options).compile(text)
    except RuntimeError as error:
        names = (*(root for root in ROOTS if root in known), *(f"options.{n}" for n, _ in options))
        raise ExpressionError(*wording.first(str(error), text, names)) from None
    kind = made.return_type()
    if truth and kind != cel.Type.BOOL:
        raise ExpressionError(
            0,
            f"must be true or false; this is {kind.name().lower()}",
            "compare it with something: ==, <=, in, exists",
        )
    costly = excess(text, made.serialize())
    if costly:
        raise ExpressionError(*costly)
    return made


@lru_cache(maxsize=16_384)
def uses(text: str, options: Options = ()) -> frozenset[str]:
    """The roots that a valid expression uses: those without which it does not compile."""
    every = frozenset(ROOTS)
    words = set(re.findall(r"\w+", text))
    found = set()
    for root in ROOTS:
        if not set(root.split(".")) <= words:
            continue
        try:
            environment(every - {root}, options).compile(text)
        except RuntimeError:
            found.add(root)
    return frozenset(found)
