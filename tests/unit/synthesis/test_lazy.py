"""A synthesizer whose fit cannot be imported says what to install, unless the fault is ours."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, cast

import pytest

from dpgate.errors import MissingExtraError
from dpgate.model.event import Event
from dpgate.synthesis.interface import NoiseRow, Task
from dpgate.synthesis.lazy import LazySynthesizer

if TYPE_CHECKING:
    from dpgate.mechanisms.session import Mechanisms
    from dpgate.sources.interface import MarginalSource
    from dpgate.synthesis.lazy import Fit


class _Lacks(LazySynthesizer):
    name = "lacking"
    extra = "cluster"

    def __init__(self, module: str) -> None:
        self.module = module

    def plan(self, task: Task, rho: Decimal) -> tuple[Event, ...]:
        raise NotImplementedError

    def noise(self, task: Task, events: Sequence[Event]) -> tuple[NoiseRow, ...]:
        raise NotImplementedError

    def fitter(self) -> Fit:
        raise ModuleNotFoundError("gone", name=self.module)


def _fit(synthesizer: LazySynthesizer) -> None:
    nothing = cast("Task", None), (), cast("MarginalSource", None), cast("Mechanisms", None)
    synthesizer.fit(*nothing, lambda _, __: None)


def test_a_missing_package_names_the_extra_that_brings_it() -> None:
    with pytest.raises(MissingExtraError, match="the lacking synthesizer") as caught:
        _fit(_Lacks("scipy.special"))
    assert caught.value.extra == "cluster"


def test_a_module_of_ours_that_is_gone_is_no_missing_extra() -> None:
    with pytest.raises(ModuleNotFoundError, match="gone"):
        _fit(_Lacks("dpgate.gone"))
