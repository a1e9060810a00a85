"""Engines by name. Each variant is one module in an explicit dict and is imported only when it is opened."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping

from pantheon_git.engines.genai import INSTALL
from pantheon_git.engines.protocol import Engine
from pantheon_git.errors import EngineError


def open_engine(name: str, *, model: str, replay: Mapping[str, str] | None = None) -> Engine:
    """The engine called `name` (`auto`: the best one installed), ready to answer; loading a model takes seconds.

    `model` is a name of `models.MODELS` or the path of a GGUF file; `replay` the recorded answers of the replay engine.
    """
    if name == "auto":
        name = best_installed()
    if name not in ENGINES:
        raise EngineError(f"no engine is called {name} (known: auto, {', '.join(ENGINES)})", "pantheon-git doctor")
    return ENGINES[name](model, replay)


def best_installed() -> str:
    """What `auto` stands for; EngineError with the install command when no engine is there."""
    if importlib.util.find_spec("openvino_genai") is None:
        raise EngineError("no model engine is installed", INSTALL)
    return "openvino"


def _openvino(model: str, _replay: Mapping[str, str] | None) -> Engine:
    from pantheon_git.engines.openvino import OpenVinoEngine

    return OpenVinoEngine(model)


def _replay(_model: str, replay: Mapping[str, str] | None) -> Engine:
    from pantheon_git.engines.replay import ReplayEngine

    if replay is None:
        raise EngineError("the replay engine needs a record to answer from", "pantheon-git replay TASK")
    return ReplayEngine(replay)


def _control(_model: str, _replay: Mapping[str, str] | None) -> Engine:
    from pantheon_git.engines.control import ControlEngine

    return ControlEngine()


ENGINES: dict[str, Callable[[str, Mapping[str, str] | None], Engine]] = {
    "openvino": _openvino,
    "replay": _replay,
    "control": _control,
}
