"""Checkouts of base commits: written once, whole or not at all, and nothing of a job survives its sweep."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from pantheon_git.jail.layout import jail_uid
from pantheon_git.jail.protocol import JailSpec
from pantheon_git.jail.trees import CheckoutStore, place_copy, remove_tree
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects
from tests.jailed import make_repository


@pytest.fixture
def repository(tmp_path: Path) -> Objects:
    make_repository(tmp_path / "repo")
    return Objects(Git(tmp_path / "repo"))


def _git(tree: Path, *command: str) -> str:
    """git in a checkout that no job has seen, as the checkout's owner."""
    uid = jail_uid() or os.getuid()
    objects = str(tree.parent / "objects")
    done = subprocess.run(
        ["git", *command],
        cwd=tree,
        check=True,
        capture_output=True,
        text=True,
        env={
            "PATH": os.environ["PATH"],
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": objects,
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
            "GIT_OPTIONAL_LOCKS": "0",
        },
    )
    assert tree.stat().st_uid == uid
    return done.stdout


def test_checkout_is_the_commits_tree(repository: Objects, tmp_path: Path) -> None:
    """Files, modes and links as in the commit; an index that finds nothing changed without reading a file."""
    head = repository.resolve("HEAD")
    assert head
    tree = CheckoutStore(tmp_path / "state").get(repository, head)
    assert _git(tree, "status", "--porcelain") == ""
    assert _git(tree, "diff-files") == ""
    assert _git(tree, "ls-files", "--debug").count("mtime: ") == 7
    assert _git(tree, "rev-parse", "HEAD").strip() == head
    assert _git(tree, "write-tree").strip() == repository.commit(head).tree
    assert (tree / "run.sh").stat().st_mode & 0o111
    assert (tree / "outside").readlink() == Path("/etc/shadow")


def test_objects_hold_what_the_tree_reaches_and_no_more(repository: Objects, tmp_path: Path) -> None:
    """One pack: the commit, its trees and blobs; the commit before, and what only it held, are not there."""
    head = repository.resolve("HEAD")
    assert head
    tree = CheckoutStore(tmp_path / "state").get(repository, head)
    held = set(_git(tree, "cat-file", "--batch-all-objects", "--batch-check=%(objectname)").split())
    commit = repository.commit(head)
    reached = set(repository.git.text("rev-list", "--objects", "--no-object-names", f"{head}^{{tree}}").split())
    assert held == reached | {head}
    assert commit.parents[0] not in held
    assert str(repository.git.path) not in "".join(
        path.read_text("latin-1") for path in (tree / ".git").rglob("*") if path.is_file()
    )


def test_a_checkout_is_written_once(repository: Objects, tmp_path: Path) -> None:
    """The second time it is found; one of an earlier boot is written again; a half-built one is never used."""
    head = repository.resolve("HEAD")
    assert head
    store = CheckoutStore(tmp_path / "state")
    tree = store.get(repository, head)
    first = tree.stat().st_ino
    assert store.get(repository, head).stat().st_ino == first
    (tree.parent / "boot").write_text("an earlier boot")
    (tree / "README.md").write_text("half")
    again = store.get(repository, head)
    assert (again / "README.md").read_text() == "# Read me\n\nHello again.\n"
    assert [path.name for path in (tmp_path / "state/checkouts").iterdir()] == [head]


def test_submodules_and_odd_names(tmp_path: Path) -> None:
    """A submodule is an empty folder and no change; names of any bytes work; a repository without parents too."""
    top = tmp_path / "repo"
    top.mkdir()
    git = ["git", "-C", str(top)]
    subprocess.run([*git, "init", "-q"], check=True)
    for name in (b"a\xff", b"new\nline", b" space ", b'quote"', b"x" * 200):
        (top / os.fsdecode(name)).write_text("x")
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "update-index", "--add", "--cacheinfo", "160000," + "1" * 40 + ",sub/module"], check=True)
    subprocess.run([*git, "commit", "-qm", "one"], check=True)
    objects = Objects(Git(top))
    head = objects.resolve("HEAD")
    assert head
    tree = CheckoutStore(tmp_path / "state").get(objects, head)
    assert _git(tree, "status", "--porcelain") == ""
    assert list((tree / "sub/module").iterdir()) == []
    assert not (tree / ".git/shallow").exists()


def test_copies_of_the_pool_are_used_once(repository: Objects, tmp_path: Path) -> None:
    """Two copies made ready serve two jobs; the third makes its own; all are alike and none is shared."""
    head = repository.resolve("HEAD")
    assert head
    store = CheckoutStore(tmp_path / "state")
    tree = store.get(repository, head)
    store.fill(tree, 2)
    store.fill(tree, 2)
    pool = tree.parent / "pool"
    assert len(list(pool.iterdir())) == 2
    seen = set()
    for number in range(3):
        job = tmp_path / "state/jobs" / str(number)
        job.mkdir(parents=True)
        place_copy(JailSpec(tree, job))
        assert len(list(pool.iterdir())) == max(0, 1 - number)
        assert sorted(path.name for path in job.iterdir()) == ["copied", "tree"]
        assert _git_same(tree, job / "tree")
        seen.add((job / "tree/README.md").stat().st_ino)
    assert len(seen) == 3


def _git_same(one: Path, two: Path) -> bool:
    return subprocess.run(["diff", "-r", "--no-dereference", str(one), str(two)], check=False).returncode == 0


def test_sweep_takes_what_a_killed_runner_left(repository: Objects, tmp_path: Path) -> None:
    """Folders of jobs, also with closed folders in them, half-built checkouts, all but the latest checkouts."""
    head = repository.resolve("HEAD")
    assert head
    store = CheckoutStore(tmp_path / "state")
    tree = store.get(repository, head)
    checkouts = tmp_path / "state/checkouts"
    for number in range(5):
        old = checkouts / f"{number}" / "tree"
        old.mkdir(parents=True)
        os.utime(old.parent, (number, number))
    (checkouts / "building-x/tree").mkdir(parents=True)
    closed = tmp_path / "state/jobs/one/work/work/closed"
    closed.mkdir(parents=True)
    (closed / "file").write_text("x")
    closed.chmod(0)
    closed.parent.chmod(0)
    swept = store.sweep()
    assert swept == ["jobs/one", "checkouts/0", "checkouts/1", "checkouts/building-x"]
    assert sorted(path.name for path in checkouts.iterdir()) == sorted(["2", "3", "4", head])
    assert (tree / "README.md").exists()
    assert store.sweep() == []


def test_removal_follows_no_link(tmp_path: Path) -> None:
    """A link in a job's folder leads removal nowhere, and permissions of what it names stay."""
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o500)
    (tmp_path / "job/closed").mkdir(parents=True)
    (tmp_path / "job/closed/link").symlink_to(outside)
    (tmp_path / "job/closed").chmod(0)
    remove_tree(tmp_path / "job")
    assert not (tmp_path / "job").exists()
    assert outside.stat().st_mode & 0o777 == 0o500
