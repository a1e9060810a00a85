"""A truly signed ledger, and a copy of it for each attack: refs as text, objects through alternates; so it is cheap.

The attacker may write every object and every ref, and holds keys of their own, but not one that is trusted now.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from pantheon_git.ledger import frozen, key_records, read, sshsig
from pantheon_git.ledger.keys import Key, generate
from pantheon_git.ledger.meta import Event, add_event
from pantheon_git.ledger.records import JobContext
from pantheon_git.ledger.trust import NIGHT, PERSON, Revoked, TrustedKeys
from pantheon_git.ledger.verdict import JobVerdict
from pantheon_git.ledger.verify import verify
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Commit, Entry, Objects, hash_object, parse_commit
from pantheon_git.repo.refs import read_refs
from pantheon_git.repo.writer import Writer, commit_bytes
from pantheon_git.spec.frozen import FrozenJob, FrozenQueue
from tests.ledger_kit import House, house

FIRST, SECOND, THIRD = "20261125T230000Z", "20261126T230000Z", "20261127T230000Z"
REVOKED = 1_767_225_600.0
"""2026-01-01, seconds since the epoch: before the nights."""
Change = Callable[[str], str]
"""From a tree to the one in its place."""
_LONG = tuple(f"step{number:02}" for number in range(20))


def signed_ledger(folder: Path) -> House:
    """Three nights with every ending, a note that is shortened, a job that was put off, reviews, a merge, and the
    record of a key that was rotated."""
    at = house(folder, ["g"])
    at.night([at.result("a.1"), at.result("b.1", "failed"), at.result("c.1", "unchanged")], FIRST, group=1)
    more = [at.result("d.1", night=SECOND), at.result("e.1", "refused", SECOND), at.result("f.1", "error", SECOND)]
    at.night([*more, at.result("h.1", night=SECOND, nodes=_LONG)], SECOND, group=2)
    for job, what in (("a", "comment"), ("a", "approved"), ("d", "rejected"), ("b", "requeue")):
        entry = read.job(at.git, at.objects, job)
        add_event(at.git, at.objects, at.key, entry, Event(what, "Ada <a@b>", "why"))  # type: ignore[arg-type]
    at.git.run("merge", "-q", "--ff-only", "pantheon/pr/h.1")
    results = [at.result(job, night=THIRD) for job in ("g.1", "i.1")]
    contexts = [*(result.context for result in results), at.context("j.1", THIRD)]
    at.ledger.open_night(THIRD, contexts, {"frozen": freezes(at, contexts)})
    at.ledger.commit_group(THIRD, results)
    at.ledger.close_night(THIRD, {"put_off": {"j": "not tonight"}})
    new = generate(folder.parent / "new-key").public
    record = key_records.rotation(at.key, new, (NIGHT,), "Ada <a@b>", at.key.key_id)
    key_records.publish(at.git, at.objects, at.key, [record])
    return at


def freezes(at: House, contexts: list[JobContext]) -> dict[str, object]:
    """A frozen queue that is withdrawn, and one that a night runs: what its opening says of it."""
    jobs = tuple(FrozenJob(one.job, one.revision, {one.flow: one.flow_oid}, {}, {"goal": one.task}) for one in contexts)
    found = []
    for when in (1795700000.0, 1795700060.0):
        queue = FrozenQueue(frozen.new_name(at.git, when), "refs/heads/main", at.base, None, jobs)
        found.append(frozen.freeze(at.git, at.objects, at.key, queue, "Ada <a@b>", "tonight", when))
    frozen.drop(at.git, at.objects, at.key, found[0], "Ada <a@b>", "too early", 1795700030.0)
    return dict(found[1].info())


@dataclass
class World:
    """The ledger as it was signed, and the attacker's copy."""

    house: House
    copy: Path
    keys: TrustedKeys
    outsiders: dict[str, Key]
    """Why it does not count → a key that the attacker holds."""
    refs: dict[str, str] = field(default_factory=dict)
    """Of the copy, for this attack."""
    anchors: dict[str, object] = field(default_factory=dict)
    """`at` and `high_water`, where the attack needs one to be found."""

    def __post_init__(self) -> None:
        self.honest = read_refs(self.house.git)
        self.git = Git.discover(self.copy)
        self.objects = Objects(self.git)
        self.begin()

    def begin(self) -> None:
        """As if nothing had happened."""
        self.refs, self.anchors = dict(self.honest), {}
        self.writer = Writer(self.objects)

    def found(self) -> list[JobVerdict]:
        """What verification finds in the copy."""
        self.write()
        verdicts = verify(self.git, self.keys, objects=self.objects, **self.anchors)  # type: ignore[arg-type]
        return [verdict for verdict in verdicts if not verdict.ok]

    def write(self) -> None:
        """Loose objects and packed refs, past git, which would refuse some of them."""
        for oid, (kind, data) in self.writer.objects.items():
            path = self.copy / "objects" / oid[:2] / oid[2:]
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(zlib.compress(b"%s %d\0" % (kind.encode(), len(data)) + data, 1))
        lines = "".join(f"{oid} {ref}\n" for ref, oid in sorted(self.refs.items()))
        (self.copy / "packed-refs").write_text(f"# pack-refs with: peeled fully-peeled sorted \n{lines}")

    def put(self, kind: str, data: bytes) -> str:
        oid = hash_object(kind, data)
        self.writer.add(oid, kind, data)
        return oid

    def tree_of(self, ref: str) -> str:
        return self.commit(self.refs[ref]).tree

    def commit(self, oid: str) -> Commit:
        return parse_commit(self.writer.reader.raw(oid)[1])

    def files(self, ref: str) -> list[tuple[bytes, Entry]]:
        return list(self.objects.walk(self.tree_of(ref)))

    def chain(self, ref: str) -> list[Commit]:
        """Oldest first."""
        found, oid = [], self.refs[ref]
        while oid:
            found.append(self.commit(oid))
            oid = found[-1].parents[0] if found[-1].parents else ""
        return found[::-1]

    def rewrite(self, ref: str, change: Change, key: Key | None = None, unsigned: bool = False) -> None:
        """The ref's chain anew, each tree through `change`: with the old signatures, with `key`'s, or with none."""
        parent = ""
        for commit in self.chain(ref):
            parents = [parent, *commit.parents[1:]] if parent else list(commit.parents[1:])
            parent = self.commit_again(commit, change(commit.tree), parents, key, unsigned)
        self.refs[ref] = parent

    def commit_again(
        self, commit: Commit, tree: str, parents: list[str], key: Key | None = None, unsigned: bool = False
    ) -> str:
        signature = None if unsigned else commit.gpgsig
        if key is not None:
            bare = commit_bytes(tree, parents, commit.author, commit.message, committer=commit.committer)
            signature = sshsig.sign(key, bare)
        raw = commit_bytes(
            tree, parents, commit.author, commit.message, committer=commit.committer, gpgsig=signature
        )  # fmt: skip
        return self.put("commit", raw)

    def with_file(self, path: bytes, data: bytes | None) -> Change:
        """Set a file in every tree that has it; None takes it out."""

        def change(tree: str) -> str:
            old = self.writer.reader.find(tree, path)
            if old is None:
                return tree
            new = None if data is None else Entry(old.mode, b"", self.writer.blob(data))
            return self.writer.edit_tree(tree, {path: new})

        return change


def world(folder: Path) -> World:
    """A ledger in `folder`, and the place where attacks on it happen. Keys of this home are made."""
    at = signed_ledger(folder / "repo")
    copy = folder / "copy.git"
    at.git.run("init", "-q", "--bare", str(copy))
    (copy / "objects/info/alternates").write_text(f"{at.git.objects_dir}\n")
    reasons = ("unknown", "expired", "not-yet", "person-only", "revoked")
    outsiders = {why: generate(folder / "outsiders" / why) for why in reasons}
    lines = [
        f'{NIGHT},{PERSON} namespaces="git" {at.key.public_line}',
        f'{NIGHT},{PERSON} namespaces="git",valid-before="20200101Z" {outsiders["expired"].public_line}',
        f'{NIGHT},{PERSON} namespaces="git",valid-after="20990101Z" {outsiders["not-yet"].public_line}',
        f'{PERSON} namespaces="git" {outsiders["person-only"].public_line}',
        f'{NIGHT},{PERSON} namespaces="git",valid-before="20260101Z" {outsiders["revoked"].public_line}',
    ]
    trust = folder / "allowed_signers"
    trust.write_text("\n".join(lines) + "\n")
    revoked = {outsiders["revoked"].key_id: Revoked(REVOKED, read_refs(at.git))}
    return World(at, copy, replace(TrustedKeys.load(trust), revoked=revoked), outsiders)


def flipped(chance: random.Random, data: bytes) -> bytes:
    """One bit of one byte; a byte where there was none."""
    changed = bytearray(data or b" ")
    changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)
