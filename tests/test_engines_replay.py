"""The engines without a model, and how an engine is chosen."""

from __future__ import annotations

import asyncio
import builtins
import importlib.util
import subprocess
import sys
from typing import Any

import pytest

from pantheon_git.engines import ENGINES, open_engine
from pantheon_git.engines.protocol import Completion, Engine, Message, Request
from pantheon_git.errors import EngineError

RECORD = {"t.1/write/1": '{"description":"Keeps bees."}', "t.1/peer-a/1": "[-0.5, -1]", "odd": "[1, null]"}


def complete(engine: Engine, request: Request) -> Completion:
    return asyncio.run(engine.complete(request))


def test_replay_answers_by_key() -> None:
    """The recorded words, whatever the prompt is now."""
    engine = open_engine("replay", model="", replay=RECORD)
    done = complete(engine, Request("another prompt", 10, key="t.1/write/1"))
    assert done.text == RECORD["t.1/write/1"]
    assert done.finish == "stop"
    assert done.model_digest == "none:replay"


def test_replay_scores_by_key() -> None:
    """Recorded log-probabilities come back as they were."""
    engine = open_engine("replay", model="", replay=RECORD)
    score = asyncio.run(engine.score("p", "t", "t.1/peer-a/1"))
    assert score.logprobs == (-0.5, -1.0)
    assert score.mean == -0.75


@pytest.mark.parametrize("key", ["t.1/write/1", "odd"])
def test_replay_refuses_what_is_no_score(key: str) -> None:
    """A completion, or numbers with holes, is not taken for scores."""
    engine = open_engine("replay", model="", replay=RECORD)
    with pytest.raises(EngineError, match="holds no scores"):
        asyncio.run(engine.score("p", "t", key))


def test_replay_knows_only_its_record() -> None:
    """A request that the record does not answer is an error that names the key: the replay went another way."""
    engine = open_engine("replay", model="", replay=RECORD)
    with pytest.raises(EngineError, match=r"no answer for 't\.1/write/2'"):
        complete(engine, Request("p", 10, key="t.1/write/2"))


def test_replay_without_a_record() -> None:
    """Nothing to answer from is said before the night begins."""
    with pytest.raises(EngineError, match="needs a record"):
        open_engine("replay", model="")


def test_control_answers_the_computed_candidate() -> None:
    """Its words are those of the request, and no likelihood speaks against any text."""
    engine = open_engine("control", model="")
    assert complete(engine, Request("p", 10, control="First sentence.")).text == "First sentence."
    assert asyncio.run(engine.score("p", "twelve chars")).logprobs == (0.0, 0.0, 0.0)
    asyncio.run(engine.close())


def test_control_needs_a_candidate() -> None:
    """A request without one cannot be controlled for; silence would make the control too good or too bad."""
    with pytest.raises(EngineError, match=r"t\.1/write/1: no control answer"):
        complete(open_engine("control", model=""), Request("p", 10, key="t.1/write/1"))


def test_prompts_without_a_tokenizer() -> None:
    """ChatML that ends where the answer begins, and one token for four characters."""
    engine = open_engine("control", model="")
    text = engine.render([Message("system", "Be brief."), Message("user", "Hi")])
    assert text == "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    assert [engine.count_tokens(word) for word in ("", "a", "abcd", "abcde")] == [0, 1, 1, 2]


def test_an_unknown_engine_names_the_known_ones() -> None:
    """Nothing is imported by a name from outside the table."""
    with pytest.raises(EngineError, match="known: auto, openvino, replay, control"):
        open_engine("os.system", model="")
    assert "auto" not in ENGINES


def test_auto_without_openvino_names_the_install_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """A core install can do everything but run a model, and says what is missing."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(EngineError) as caught:
        open_engine("auto", model="smollm2-135m-instruct")
    assert caught.value.hint == "pip install 'pantheon-git[cpu]'"


def test_openvino_that_does_not_import(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken installation is an expected error with its reason."""
    real = builtins.__import__

    def broken(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "openvino_genai":
            raise ImportError("libtbb.so.12: cannot open shared object file")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", broken)
    with pytest.raises(EngineError, match="libtbb") as caught:
        open_engine("openvino", model="smollm2-135m-instruct")
    assert caught.value.hint.startswith("pip install")


def test_choosing_an_engine_loads_none() -> None:
    """`pantheon_git.engines` costs no heavy import; OpenVINO comes with the engine that is opened."""
    code = "import sys, pantheon_git.engines as e; e.open_engine('control', model=''); print('openvino' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
