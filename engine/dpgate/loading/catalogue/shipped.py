"""The rules that come with dpgate, read from their files when a policy names them."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

from dpgate.loading.yaml import parse
from dpgate.model.catalogue import CatalogueRule

_RULES = files("dpgate.loading.catalogue") / "rules"


@lru_cache(maxsize=1)
def names() -> tuple[str, ...]:
    """The id of every rule, sorted."""
    found = (place.name for place in _RULES.iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in found if name.endswith(".yaml")))


@lru_cache(maxsize=256)
def rule(name: str) -> CatalogueRule:
    """A rule by its id, which is one of `names`."""
    parsed = parse(f"{name}.yaml", (_RULES / f"{name}.yaml").read_bytes())
    return CatalogueRule.model_validate(parsed.value, by_alias=True, by_name=False)


def page(name: str) -> str:
    """Where a rule is documented."""
    return f"docs/rules/{name}.md"
