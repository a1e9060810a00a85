"""Odd repositories: what works everywhere, and what is refused in one clear line."""

from __future__ import annotations

from pathlib import Path

import pytest

from pantheon_git.errors import GitError, PantheonError
from pantheon_git.repo import paths
from pantheon_git.repo.git import Git, require_supported, scrubbed_env, version
from pantheon_git.repo.objects import FILE, FOLDER, Entry, Objects
from pantheon_git.repo.refs import RefUpdate, read_ref, read_refs, update_refs
from pantheon_git.repo.writer import Writer
from tests.repo_kit import commit, make, odd_repository, put, sh


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return odd_repository(tmp_path)


def test_sha256_repositories_are_refused_in_one_line(tmp_path: Path) -> None:
    """The object format is named, and what to do."""
    git = Git.discover(make(tmp_path / "r", "--object-format=sha256"))
    with pytest.raises(PantheonError, match="object format sha256") as caught:
        require_supported(git)
    assert "\n" not in caught.value.message
    assert caught.value.hint


def test_no_repository(tmp_path: Path) -> None:
    """A folder without one, a folder that is not there: a message and the next command, no trace."""
    with pytest.raises(PantheonError, match="not a git repository") as caught:
        Git.discover(tmp_path)
    assert "git init" in caught.value.hint
    with pytest.raises(PantheonError, match="no such folder"):
        Git.discover(tmp_path / "nowhere")


def test_no_commit_yet_detached_bare_and_linked(tmp_path: Path) -> None:
    """Git directories are told apart, a branch without a commit resolves to nothing, HEAD may be detached."""
    path = make(tmp_path / "r")
    git = Git.discover(path)
    require_supported(git)
    assert version(git) >= (2, 38)
    assert Objects(git).resolve("HEAD") is None
    assert read_refs(git) == {}
    put(path, b"d/f", b"x")
    head = commit(path)
    sh(path, "checkout", "-q", "--detach")
    assert Objects(Git.discover(path / "d")).resolve("HEAD") == head
    sh(path, "worktree", "add", "-q", str(tmp_path / "linked"), "main")
    linked = Git.discover(tmp_path / "linked")
    assert linked.work_tree == tmp_path / "linked"
    assert (linked.common_dir, linked.git_dir) == (path / ".git", path / ".git" / "worktrees" / "linked")
    assert Objects(linked).resolve("main") == head
    assert paths.state_dir(linked) == paths.state_dir(git)
    sh(tmp_path, "clone", "-q", "--bare", str(path), "bare.git")
    bare = Git.discover(tmp_path / "bare.git")
    assert (bare.work_tree, bare.is_bare, git.is_bare) == (None, True, False)
    assert Git.discover(path / ".git").work_tree is None


def test_shallow_sparse_alternates_and_packed(repo: Path, tmp_path: Path) -> None:
    """Shallow and sparse clones, borrowed objects, packs, packed refs and a multi-pack index are all just read."""
    put(repo, b"plain.txt", b"second\n")
    head = commit(repo)
    sh(tmp_path, "clone", "-q", "--depth=1", f"file://{repo}", "shallow")
    shallow = Git.discover(tmp_path / "shallow")
    assert shallow.is_shallow
    assert not Git.discover(repo).is_shallow
    first = Objects(shallow).commit(head).parents[0]
    with pytest.raises(GitError, match="no object") as caught:
        Objects(shallow).commit(first)
    assert "shallow" in caught.value.hint
    sh(tmp_path, "clone", "-q", "--shared", "--sparse", str(repo), "shared")
    shared = Git.discover(tmp_path / "shared")
    objects = Objects(shared)
    tree = objects.commit(head).tree
    assert len(list(objects.walk(tree))) == len(list(Objects(Git.discover(repo)).walk(tree)))
    writer = Writer(objects)
    writer.edit_tree(tree, {b"plain.txt": Entry(FILE, b"", writer.blob(b"third\n"))})
    writer.flush()
    sh(repo, "gc", "-q")
    sh(repo, "multi-pack-index", "write")
    git = Git.discover(repo)
    assert objects.commit(head).tree == tree
    assert read_ref(git, "refs/heads/main") == head
    update_refs(git, [RefUpdate("refs/heads/main", first, head), RefUpdate("refs/pantheon/x", head, None)])
    assert read_refs(git) == {"refs/heads/main": first, "refs/pantheon/x": head}


def test_the_environment_of_a_hook_does_not_lead_astray(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIT_DIR and its like, as a hook has them, are dropped; replace refs do not change what is read."""
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere/index")
    assert not {"GIT_DIR", "GIT_INDEX_FILE"} & scrubbed_env().keys()
    git = Git.discover(repo)
    assert git.work_tree == repo
    put(repo, b"new", b"x")
    monkeypatch.delenv("GIT_DIR")
    monkeypatch.delenv("GIT_INDEX_FILE")
    head = commit(repo)
    git.run("replace", "--graft", head)
    assert git.run("cat-file", "commit", head).out == Objects(git).commit(head).raw


def test_xdg_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A relative XDG value is ignored, as the specification asks; a person's key defaults to the night's."""
    monkeypatch.setenv("XDG_CONFIG_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert paths.trust_file() == tmp_path / ".config/pantheon-git/trust/allowed_signers"
    assert paths.person_key() == paths.night_key()
    paths.keys_dir().mkdir(parents=True)
    (paths.keys_dir() / "person").touch()
    assert paths.person_key().name == "person"
    assert paths.cache_home().is_absolute()
    assert FOLDER == 0o040000
