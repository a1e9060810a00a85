"""TOML out, in the order in which a person would write it."""

from __future__ import annotations

import tomli_w

from pantheon_git.spec.base import Spec


def dump(spec: Spec) -> bytes:
    """The spec as TOML, UTF-8, without the values that were left at their defaults."""
    data = spec.model_dump(by_alias=True, exclude_defaults=True, exclude_none=True, mode="json")
    data = {"schema": 1, **data}
    return tomli_w.dumps(data).encode()
