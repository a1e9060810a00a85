"""What the tests of the engines share: the real model where it is on disk, and small prompts."""

from __future__ import annotations

import pytest

from pantheon_git.engines import models
from pantheon_git.engines.protocol import Engine, Message
from pantheon_git.errors import EngineError

SENTENCE = r'root ::= "{\"description\":\"" [^"\\\n.]+ ".\"}"'
SUBJECTS = (
    "bees in winter", "rust on iron", "the tides", "a violin's bow", "sour dough", "compound interest",
    "how bridges stand", "wool and cotton", "the moons of Jupiter", "tea in Japan", "map projections", "locks and keys",
)  # fmt: skip


def need_model() -> None:
    """Skip, with the command that helps, where the model or OpenVINO is missing."""
    pytest.importorskip("openvino_genai", reason="pip install 'pantheon-git[cpu]'")
    try:
        models.find(models.DEFAULT)
    except EngineError as error:
        pytest.skip(f"{error.message}; {error.hint}")


def prompts(engine: Engine) -> list[str]:
    """Twelve of different length, which begin alike as a night's do."""
    rules = "You describe a document in one sentence of 40 to 160 characters. Keep to the facts of the text."
    documents = [
        f"# Notes on {subject}\n\n" + f"{subject} matters. " * n for n, subject in enumerate(SUBJECTS, start=1)
    ]
    return [engine.render([Message("system", rules), Message("user", document)]) for document in documents]
