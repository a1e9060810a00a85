"""Trial merges: the same answer as stock git, and nothing is left in the repository."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

from pantheon_git.repo.git import Git
from pantheon_git.repo.merge import merge_tree
from pantheon_git.repo.objects import FILE, Entry, Objects
from pantheon_git.repo.writer import Writer

LINES = [f"line {n}\n" for n in range(30)]


@pytest.fixture
def git(tmp_path: Path) -> Git:
    subprocess.run(["git", "init", "-q", str(tmp_path / "r s")], check=True)
    return Git.discover(tmp_path / "r s")


def tree_of(writer: Writer, files: dict[str, str]) -> str:
    entries = {name.encode(): Entry(FILE, b"", writer.blob(text.encode())) for name, text in files.items()}
    return writer.edit_tree("4b825dc642cb6eb9a060e54bf8d69288fbee4904", entries)


def stock_merge(git: Git, base: str, ours: str, theirs: str) -> str | None:
    """`git merge-tree` on commits of our own: the tree, or None on a conflict."""
    env = dict.fromkeys(("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), "1700000000 +0000")

    def commit(tree: str, *parents: str) -> str:
        words = [word for parent in parents for word in ("-p", parent)]
        return git.run("commit-tree", tree, *words, "-m", "x", env=env).out.decode().strip()

    root = commit(base)
    done = git.run("merge-tree", "--write-tree", "--no-messages", commit(ours, root), commit(theirs, root), check=False)
    return done.out.decode().split()[0] if done.code == 0 else None


def changed(rng: random.Random, files: dict[str, str]) -> dict[str, str]:
    """A few random edits: lines changed, files added, removed, moved, whole folders renamed."""
    new = dict(files)
    for _ in range(rng.randint(1, 3)):
        name = rng.choice(sorted(new) or ["z"])
        match rng.choice(["edit", "add", "remove", "move", "folder"]):
            case "edit":
                lines = new.get(name, "").splitlines(keepends=True) or ["x\n"]
                lines[rng.randrange(len(lines))] = f"changed {rng.randint(0, 2)}\n"
                new[name] = "".join(lines)
            case "add":
                new[rng.choice(["a/new.md", "b/new.md", "top.md", "a/c/deep.md"])] = f"new {rng.randint(0, 1)}\n"
            case "remove":
                new.pop(name, None)
            case "move" if name in new:
                new[f"moved/{name.replace('/', '-')}"] = new.pop(name)
            case "folder":
                new = {n.replace("a/", "renamed/", 1) if n.startswith("a/") else n: t for n, t in new.items()}
    paths = set(new)
    return {n: t for n, t in new.items() if not any(n.startswith(p + "/") for p in paths)}


def everything(folder: Path) -> set[Path]:
    return set((folder / ".git").rglob("*"))


@pytest.mark.parametrize("seed", range(40))
def test_the_answer_is_stock_gits(git: Git, seed: int) -> None:
    """Random edits on both sides: the same tree or a conflict, whether or not a process had to be asked; the
    repository is left as it was, and `objects` is all that the tree needs."""
    rng = random.Random(seed)
    start = {f"{folder}/{n}.md": "".join(LINES) + f"{folder}{n}\n" for folder in "ab" for n in range(3)}
    objects = Objects(git)
    writer = Writer(objects)
    base, ours = tree_of(writer, start), tree_of(writer, changed(rng, start))
    writer.flush()
    pending = Writer(objects)
    theirs = tree_of(pending, changed(rng, start))
    before = everything(git.path)
    found = merge_tree(objects, base, ours, theirs, pending.objects)
    assert everything(git.path) == before
    pending.flush()
    want = stock_merge(git, base, ours, theirs)
    assert found.tree == want
    assert bool(found.conflicts) == (want is None)
    if found.tree:
        for oid, (kind, data) in found.objects.items():
            writer.add(oid, kind, data)
        writer.flush()
        assert git.run("ls-tree", "-r", "-t", found.tree).code == 0


def test_conflicts_name_their_paths(git: Git) -> None:
    """Odd names come back as they are."""
    writer = Writer(Objects(git))
    name = "sp ace/\u00e9.md"
    base, ours, theirs = (tree_of(writer, {name: text}) for text in ("a\n", "b\n", "c\n"))
    found = merge_tree(Objects(git), base, ours, theirs, writer.objects)
    assert (found.tree, found.conflicts) == (None, [name])


def test_where_both_sides_did_the_same_or_one_did_nothing(git: Git) -> None:
    """No process is needed for the plain cases."""
    writer = Writer(Objects(git))
    base, other = tree_of(writer, {"a": "1\n"}), tree_of(writer, {"a": "2\n"})
    pending = writer.objects
    assert merge_tree(Objects(git), base, base, other, pending).tree == other
    assert merge_tree(Objects(git), base, other, other, pending).tree == other
    assert merge_tree(Objects(git), base, other, base, pending).tree == other
