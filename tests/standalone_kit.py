"""`hooks/pantheon-verify.py` in this process, and whether it says what the product says."""

from __future__ import annotations

import importlib.util
import io
import json
from types import ModuleType
from typing import Any

from tests.cli_support import CHECKOUT
from tests.tamper_kit import Tried
from tests.tamper_world import World

FILE = CHECKOUT / "hooks/pantheon-verify.py"


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("pantheon_verify", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def verdicts(module: ModuleType, at: World) -> tuple[int, list[dict[str, Any]]]:
    """Exit code and verdicts on the attacker's copy."""
    out = io.StringIO()
    args = [str(at.copy), "--keys", str(at.copy.parent / "allowed_signers"), "--json"]
    for name, value in at.anchors.items():
        args += [f"--{name.replace('_', '-')}", str(value)]
    code = module.main(args, out)
    return code, [json.loads(line) for line in out.getvalue().splitlines()]


def disagreement(module: ModuleType, at: World, tried: Tried) -> str:
    """Empty when both say the same kind and name the same place first."""
    code, found = verdicts(module, at)
    first = next((one for one in found if {"incomplete": 1, "tampered": 2}.get(one["kind"]) == code), None)
    wanted = (tried.exit_code, tried.first.where if tried.first else None)
    have = (code, first["where"] if first else None)
    return "" if wanted == have else f"{tried.seed}: the product says {wanted}, the file {have}"
