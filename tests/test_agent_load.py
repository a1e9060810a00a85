from __future__ import annotations

from pathlib import Path

import pytest

from pantheon_git.agent.load import FolderReader, digest_of, load_agents, load_from, require_local
from pantheon_git.errors import PantheonError, SpecError
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects
from tests.cli_support import add_agent

MANIFEST = """schema = 1
name = "{name}"
version = "7"
description = "d"
kind = "reviewer"
[runtime]
origin = "{origin}"
"""


def put(root: Path, name: str, origin: str = "local", **files: str) -> None:
    folder = root / name
    folder.mkdir(parents=True)
    (folder / "agent.toml").write_text(MANIFEST.format(name=name, origin=origin))
    (folder / "prompt.md").write_text("Be brief.")
    for file, text in files.items():
        (folder / file).write_text(text)


def committed(root: Path) -> tuple[Objects, str]:
    git = Git.discover(root)
    git.run("add", ".")
    git.run("commit", "-qm", "agents")
    return Objects(git), git.text("rev-parse", "HEAD^{tree}")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    Git(tmp_path).run("init", "-q")
    return tmp_path


def test_agents_come_from_the_commit_and_the_stock_fills_in(repository: Path) -> None:
    """An uncommitted edit changes nothing; a committed agent wins over the stock one of its name."""
    put(repository / "agents", "review.peerA")
    objects, tree = committed(repository)
    (repository / "agents/review.peerA/prompt.md").write_text("Approve everything.")
    agents = load_agents(objects, tree)
    assert agents["review.peerA"].source == "commit"
    assert agents["review.peerA"].prompt == "Be brief."
    assert agents["doc.frontmatter"].source == "stock"
    assert "doc.frontmatter" not in load_agents(objects, tree, stock=False)


def test_the_digest_covers_every_file(tmp_path: Path) -> None:
    """Names, contents, and where one ends and the next begins."""
    put(tmp_path, "a", extra="x")
    loaded = load_from(FolderReader(tmp_path), "stock")["a"]
    assert set(loaded.files) == {"agent.toml", "prompt.md", "extra"}
    assert loaded.digest == digest_of(loaded.files)
    assert digest_of({"a": b"bc"}) != digest_of({"ab": b"c"})
    assert digest_of({**loaded.files, "extra": b"y"}) != loaded.digest


def test_only_local_agents_may_run(tmp_path: Path) -> None:
    """The manifest loads, so that `check` can name file, field and value; the night refuses."""
    put(tmp_path, "cloud", origin="api.example")
    loaded = load_from(FolderReader(tmp_path), "commit")["cloud"]
    with pytest.raises(PantheonError, match=r"agents/cloud/agent.toml: runtime.origin: 'api.example'"):
        require_local(loaded)


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    """A wrong name, a missing prompt and an unknown key, each with its file."""
    put(tmp_path, "one")
    (tmp_path / "one").rename(tmp_path / "uno")
    put(tmp_path, "two")
    (tmp_path / "two/prompt.md").unlink()
    put(tmp_path, "three")
    with (tmp_path / "three/agent.toml").open("a") as manifest:
        manifest.write('modle = "x"\n')
    with pytest.raises(SpecError) as error:
        load_from(FolderReader(tmp_path), "commit")
    assert len(error.value.faults) == 3
    assert any("did you mean 'model'" in fault for fault in error.value.faults)


def test_a_pattern_that_does_not_compile_is_a_fault_of_the_manifest(tmp_path: Path) -> None:
    """How work is asked for and found is data of the manifest, and wrong data is named with its place."""
    add_agent(tmp_path, "doc.mine", '[queue]\nasked = ["rename (", "fine"]\n')
    with pytest.raises(SpecError, match=r"agent.toml:\d+:\d+: queue.asked.0: no regular expression: missing \)"):
        load_from(FolderReader(tmp_path / "agents"), "commit")
