"""What an attacker without a trusted key can do to a ledger: each attack changes the copy and says what must be named.

An attack returns words, all of which one verdict must hold: the ref and file, the job, the night.
"""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable

from pantheon_git.ledger import dsse, notes
from pantheon_git.ledger.anchor import write_marks
from pantheon_git.ledger.key_records import KEYS
from pantheon_git.ledger.keys import Key
from pantheon_git.ledger.layout import ARTIFACTS, FAILED, FROZEN, META, PRS, RUNS
from pantheon_git.repo.objects import EXECUTABLE, FILE, FOLDER, Entry
from pantheon_git.repo.writer import commit_bytes
from tests.tamper_world import FIRST, SECOND, THIRD, Change, World, flipped

Named = tuple[str, ...]
Attack = Callable[[World, random.Random], Named]
LEDGER = (RUNS, ARTIFACTS, META, PRS, FAILED, KEYS, FROZEN, notes.REF)


def refs_of(w: World, *prefixes: str) -> list[str]:
    return sorted(ref for ref in w.refs if ref.startswith(prefixes))


def place(ref: str, path: bytes) -> str:
    return f"{ref}:{path.replace(b'/', b'').decode() if ref == notes.REF else path.decode()}"


def a_file(w: World, c: random.Random, prefix: str, *ends: bytes) -> tuple[str, bytes]:
    """A file of the ledger, by how its path ends."""
    found = [(r, p) for r in refs_of(w, prefix) for p, _ in w.files(r) if not ends or p.endswith(ends)]
    return c.choice(found)


def write_back(w: World, c: random.Random, ref: str, change: Change) -> None:
    """The whole chain, or its last commit only; with the old signatures or, of notes, with none."""
    unsigned = ref == notes.REF and c.random() < 0.5
    if c.random() < 0.5:
        w.rewrite(ref, change, unsigned=unsigned)
    else:
        tip = w.commit(w.refs[ref])
        w.refs[ref] = w.commit_again(tip, change(tip.tree), list(tip.parents), unsigned=unsigned)


def byte_in(prefix: str, *ends: bytes) -> Attack:
    def attack(w: World, c: random.Random) -> Named:
        ref, path = a_file(w, c, prefix, *ends)
        entry = w.objects.find(w.tree_of(ref), path)
        assert entry is not None
        write_back(w, c, ref, w.with_file(path, flipped(c, w.objects.blob(entry.oid))))
        return (place(ref, path),)

    return attack


def payload_value(w: World, c: random.Random) -> Named:
    """A value inside a payload, in an envelope that is otherwise as it should be, old signature and all."""
    ref, path = a_file(w, c, RUNS)
    w.rewrite(ref, w.with_file(path, changed_envelope(w, c, ref, path)))
    return (place(ref, path),)


def changed_envelope(w: World, c: random.Random, ref: str, path: bytes, key: Key | None = None) -> bytes:
    entry = w.objects.find(w.tree_of(ref), path)
    assert entry is not None
    envelope = dsse.parse(w.objects.blob(entry.oid))
    said = json.loads(envelope.payload)
    field = c.choice(sorted(name for name, value in said["predicate"].items() if isinstance(value, str | int | float)))
    value = said["predicate"][field]
    said["predicate"][field] = f"{value}x" if isinstance(value, str) else value + 1
    payload = json.dumps(said, sort_keys=True, separators=(",", ":")).encode()
    if key is not None:
        return dsse.sign(key, payload)
    return dsse.Envelope(payload, envelope.payload_type, envelope.key_id, envelope.signature).to_bytes()


def commit_byte(w: World, c: random.Random) -> Named:
    """Anywhere in any commit of a chain; those after it name the new one."""
    ref = c.choice(refs_of(w, *LEDGER))
    chain = w.chain(ref)
    own = len(chain) if ref.startswith((RUNS, META, FROZEN)) else 1  # only these chains are kept for their own sake
    number = len(chain) - c.randint(1, own)
    parent = w.put("commit", flipped(c, chain[number].raw))
    for later in chain[number + 1 :]:
        parent = w.commit_again(later, later.tree, [parent, *later.parents[1:]])
    w.refs[ref] = parent
    return (ref,)


def tree_byte(w: World, c: random.Random) -> Named:
    """In any folder's own object: a mode, a name, an oid, a length."""
    ref, path = a_file(w, c, c.choice(LEDGER))
    parts = path.split(b"/")[:-1]
    folder = b"/".join(parts[: c.randint(0, len(parts))])

    def change(tree: str) -> str:
        old = w.objects.find(tree, folder) if folder else Entry(FOLDER, b"", tree)
        if old is None:
            return tree
        new = w.put("tree", flipped(c, w.objects.raw(old.oid)[1]))
        return w.writer.edit_tree(tree, {folder: Entry(FOLDER, b"", new)}) if folder else new

    tip = w.commit(w.refs[ref])
    w.refs[ref] = w.commit_again(tip, change(tip.tree), list(tip.parents))
    return (ref,)


def branch_content(w: World, c: random.Random) -> Named:
    """A file of a PR or breadcrumb: its bytes, its mode, its name, or one more."""
    ref = c.choice(refs_of(w, PRS, FAILED))
    path, entry = c.choice(w.files(ref))
    edits: list[dict[bytes, Entry | None]] = [
        {path: Entry(entry.mode, b"", w.writer.blob(flipped(c, w.objects.blob(entry.oid))))},
        {path: Entry(EXECUTABLE, b"", entry.oid)},
        {path: None, path + b"x": entry},
        {b"evil.md": Entry(FILE, b"", w.writer.blob(b"evil"))},
        {path: None},
    ]
    tip = w.commit(w.refs[ref])
    tree = w.writer.edit_tree(tip.tree, c.choice(edits))
    w.refs[ref] = w.commit_again(tip, tree, list(tip.parents))
    return (ref,)


def moved_branch(w: World, c: random.Random) -> Named:
    ref = c.choice(refs_of(w, PRS, FAILED))
    w.refs[ref] = c.choice(sorted(set(w.refs.values()) - {w.refs[ref]}))
    return (ref,)


def removed(prefix: str, *ends: bytes) -> Attack:
    def attack(w: World, c: random.Random) -> Named:
        ref, path = a_file(w, c, prefix, *ends)
        write_back(w, c, ref, w.with_file(path, None))
        # a folder whose only file goes goes too
        return (place(ref, path).removesuffix("/statement.json"),)

    return attack


def removed_entry(w: World, c: random.Random) -> Named:
    """A job's folder, its artifacts or one node of it; with the note and the branch, too, at times."""
    ref = c.choice(refs_of(w, RUNS, ARTIFACTS))
    path = c.choice([path for path, _ in w.files(ref) if path.count(b"/") >= 2])
    depth = c.choice((2, 3)) if path.count(b"/") > 2 else 2
    folder = b"/".join(path.split(b"/")[:depth])
    job = path.split(b"/")[1].decode()
    if c.random() < 0.5:
        commit = w.refs.pop(PRS + job, None) or w.refs.pop(FAILED + job, None)
        if commit and commit != w.refs["refs/heads/main"]:
            w.rewrite(notes.REF, lambda tree: w.writer.edit_tree(tree, {commit.encode(): None}), unsigned=True)
    write_back(w, c, ref, lambda tree: w.writer.edit_tree(tree, {folder: None}))
    return (job,)


def removed_ref(w: World, c: random.Random) -> Named:
    """A night, its artifacts, the notes, a review (an anchor is needed for the last)."""
    ref = c.choice(refs_of(w, RUNS, ARTIFACTS, META, KEYS, FROZEN, notes.REF))
    remember(w)
    del w.refs[ref]
    return (ref,)


def lines_of_note(w: World, c: random.Random) -> Named:
    """A line taken out, put in, doubled or moved; the tip as it was signed, or unsigned as stock git leaves it."""
    path, entry = c.choice(w.files(notes.REF))
    lines = w.objects.blob(entry.oid).splitlines(keepends=True)
    one = c.randrange(len(lines))
    forged = c.choice(lines).replace(b" pass", b" fail").replace(b" pr:", b" failed:").replace(b"e", b"3", 1)
    changed = c.choice([
        lines[:one] + lines[one + 1 :], sorted([*lines, forged]), [*lines, lines[one]], [*lines[1:], lines[0], b"\n"],
    ])  # fmt: skip
    write_back(w, c, notes.REF, w.with_file(path, b"".join(changed)))
    return (place(notes.REF, path),)


def swapped_notes(w: World, c: random.Random) -> Named:
    (path, one), (other, two) = c.sample(w.files(notes.REF), 2)
    change = {path: Entry(FILE, b"", two.oid), other: Entry(FILE, b"", one.oid)}
    write_back(w, c, notes.REF, lambda tree: w.writer.edit_tree(tree, change))
    return (place(notes.REF, path),)


def strange_note(w: World, c: random.Random) -> Named:
    """On a commit that no night knows, in a second place, or a file that is none."""
    path, _ = c.choice(w.files(notes.REF))
    stranger = w.put("commit", w.commit(w.refs["refs/heads/main"]).raw + b"x").encode()
    where = c.choice([stranger, path[:2] + b"/" + path[2:], b"README"])
    entry = Entry(FILE, b"", w.writer.blob(f"{FIRST} a.1 00-job pr: {c.random()}\n".encode()))
    write_back(w, c, notes.REF, lambda tree: w.writer.edit_tree(tree, {where: entry}))
    return (place(notes.REF, where),)


def strange_file(w: World, c: random.Random) -> Named:
    """Put into a night or its artifacts."""
    ref, path = a_file(w, c, c.choice((RUNS, ARTIFACTS)))
    parts = path.split(b"/")
    where = b"/".join([*parts[: c.randrange(len(parts))], b"evil.json"])
    entry = Entry(FILE, b"", w.writer.blob(b"evil"))
    write_back(w, c, ref, lambda tree: w.writer.edit_tree(tree, {where: entry}))
    return (ref,)


def strange_ref(w: World, c: random.Random) -> Named:
    """In one of our names; of an honest object, but not one that is signed for this."""
    prefix = c.choice((RUNS, ARTIFACTS, META, PRS, FAILED, KEYS, FROZEN, "refs/pantheon/strange/"))
    name = "20261128T230000Z" if prefix in (RUNS, ARTIFACTS, FROZEN) else "x.1"
    w.refs[prefix + name] = c.choice(sorted(set(w.refs.values())))
    return (prefix + name,)


def not_a_commit(w: World, c: random.Random) -> Named:
    """A ref that holds a blob, a tree or nothing that is here."""
    ref = c.choice(refs_of(w, *LEDGER))
    w.refs[ref] = c.choice([w.writer.blob(b"evil"), w.tree_of(ref), "1" * 40])
    return (ref,)


def replayed_entry(w: World, c: random.Random) -> Named:
    """A job's signed folder in the place of another's, of the same night or of another."""
    (ref, path), (other, source) = a_file(w, c, RUNS, b"job.json"), a_file(w, c, RUNS, b"job.json")
    while source == path:
        other, source = a_file(w, c, RUNS, b"job.json")
    folder = w.objects.find(w.tree_of(other), source.rpartition(b"/")[0])
    write_back(w, c, ref, put_where(w, path.rpartition(b"/")[0], folder))
    return (ref, path.split(b"/")[1].decode())


def put_where(w: World, path: bytes, entry: Entry | None) -> Change:
    """In every tree that has something there."""
    return lambda tree: w.writer.edit_tree(tree, {path: entry}) if w.objects.find(tree, path) else tree


def reordered_nodes(w: World, c: random.Random) -> Named:
    """Two signed statements of one job in each other's place, or one of another job's."""
    ref, path = a_file(w, c, RUNS, b"statement.json")
    _, other = a_file(w, c, ref, b"statement.json")
    while other == path:
        _, other = a_file(w, c, ref, b"statement.json")
    entry = w.objects.find(w.tree_of(ref), other)
    write_back(w, c, ref, put_where(w, path, entry))
    return (place(ref, path),)


def replayed_file(w: World, c: random.Random) -> Named:
    """The opening or the close of another night."""
    path = c.choice((b"open.json", b"close.json"))
    ref, other = c.sample(refs_of(w, RUNS), 2)
    w.rewrite(ref, put_where(w, path, w.objects.find(w.tree_of(other), path)))
    return (place(ref, path),)


def replayed_night(w: World, c: random.Random) -> Named:
    """A whole night once more, under another name or in place of another."""
    night, other = c.sample((FIRST, SECOND, THIRD), 2)
    new = c.choice((other, "20261130T230000Z"))
    for family in (RUNS, ARTIFACTS):
        w.refs[family + new] = w.refs[family + night]
    return (RUNS + new,)


def replayed_metadata(w: World, c: random.Random) -> Named:
    """A review of another job."""
    source = c.choice(refs_of(w, META))
    ref = META + c.choice(sorted({"a.1", "b.1", "d.1", "e.1", "g.1"} - {source.removeprefix(META)}))
    w.refs[ref] = w.refs[source]
    return (ref,)


def replayed_freeze(w: World, c: random.Random) -> Named:
    """One frozen queue under another's name or one more, or its files in another's place, old signatures and all."""
    ref, other = c.sample(refs_of(w, FROZEN), 2)
    if c.random() < 0.5:
        ref = c.choice((ref, FROZEN + "20261201T000000Z"))
        w.refs[ref] = w.refs[other]
        return (ref,)
    path = c.choice((b"queue.jsonl", b"frozen.json"))
    write_back(w, c, ref, put_where(w, path, w.objects.find(w.tree_of(other), path)))
    return (ref,)


def rolled_back_freeze(w: World, c: random.Random) -> Named:
    """A frozen queue that was withdrawn stands again, or the latest is gone and an older one would run."""
    first, last = refs_of(w, FROZEN)
    remember(w)
    if c.random() < 0.5:
        w.refs[first] = w.commit(w.refs[first]).parents[0]
        return (first, "back")
    del w.refs[last]
    return (last, "gone")


def replayed_artifacts(w: World, c: random.Random) -> Named:
    """One node's files in another's place, or another night's artifacts."""
    ref, other = c.sample(refs_of(w, ARTIFACTS), 2)
    if c.random() < 0.3:
        w.refs[ref] = w.refs[other]
        return (ref,)
    path, _ = c.choice(w.files(ref))
    source, _ = c.choice([(p, e) for p, e in w.files(other)])
    folder = path.rpartition(b"/")[0]
    entry = w.objects.find(w.tree_of(other), source.rpartition(b"/")[0])
    write_back(w, c, ref, lambda tree: w.writer.edit_tree(tree, {folder: entry}))
    return (ref, folder.decode())


def another_repository(w: World, c: random.Random) -> Named:
    """The whole ledger, where the history is another one."""
    empty = w.put("tree", b"")
    w.refs["refs/heads/main"] = w.put("commit", commit_bytes(empty, [], f"Eve <e@b> {c.randrange(10**9)} +0000", "x\n"))
    return (RUNS + FIRST, "another repository")


def truncated(w: World, c: random.Random) -> Named:
    """A night cut back, alone or with its artifacts; the last one has no follower to tell, so the close is missed."""
    ref = c.choice(refs_of(w, RUNS))
    chain, night = w.chain(ref), ref.removeprefix(RUNS)
    keep = c.randrange(1, len(chain))
    w.refs[ref] = w.put("commit", chain[keep - 1].raw)
    if c.random() < 0.5:
        del w.refs[ARTIFACTS + night]
    return (ref,)


def rolled_back(w: World, c: random.Random) -> Named:
    """All of it to an older state that was good; the mark, or an oid that somebody noted, tells."""
    head = w.refs[notes.REF]
    old = [oid for oid in ancestors(w, head) if oid != head]
    if c.random() < 0.5:
        w.anchors["at"] = head
        expected: Named = (notes.REF, "rolled back")
    else:
        remember(w)
        expected = (RUNS + THIRD,)
    for ref in (RUNS + THIRD, ARTIFACTS + THIRD, PRS + "g.1", PRS + "i.1"):
        del w.refs[ref]
    w.refs[notes.REF] = next(oid for oid in old if THIRD not in w.commit(oid).message)
    return expected


def rolled_back_review(w: World, c: random.Random) -> Named:
    """A decision undone: the metadata as it was before it."""
    ref = c.choice(refs_of(w, META))
    remember(w)
    parents = w.commit(w.refs[ref]).parents
    if parents:
        w.refs[ref] = parents[0]
    else:
        del w.refs[ref]
    return (ref,)


def ancestors(w: World, oid: str) -> list[str]:
    found = [oid]
    while parents := w.commit(found[-1]).parents:
        found.append(parents[0])
    return found


def remember(w: World) -> None:
    marks = w.copy.parent / "high-water.json"
    write_marks(marks, w.honest)
    w.anchors["high_water"] = marks


def resealed(why: str) -> Attack:
    """Changed, and signed anew with a key that does not count: an entry, a commit, a whole night, notes, a review."""

    def attack(w: World, c: random.Random) -> Named:
        key = w.outsiders[why]
        kinds = [
            "entry",
            "chain",
            "night",
            "notes",
            "branch",
            "artifacts",
            *([] if why == "person-only" else ["review", "freeze", "frozen queue"]),
        ]
        kind = c.choice(kinds)
        if kind == "entry":
            ref, path = a_file(w, c, RUNS)
            w.rewrite(ref, w.with_file(path, changed_envelope(w, c, ref, path, key)), key)
            return (place(ref, path),)
        if kind == "night":
            ref = c.choice(refs_of(w, RUNS))
            w.rewrite(ref, lambda tree: sealed_tree(w, tree, key), key)
            return (f"{ref}:open.json",)
        if kind == "frozen queue":
            ref = c.choice(refs_of(w, FROZEN))
            w.rewrite(ref, w.with_file(b"frozen.json", changed_envelope(w, c, ref, b"frozen.json", key)), key)
            return (f"{ref}:frozen.json",)
        prefix = {
            "freeze": FROZEN,
            "chain": RUNS,
            "notes": notes.REF,
            "branch": PRS,
            "artifacts": ARTIFACTS,
            "review": META,
        }[kind]
        ref = c.choice(refs_of(w, prefix))
        w.rewrite(ref, lambda tree: tree, key)
        return (ref,)

    return attack


def sealed_tree(w: World, tree: str, key: Key) -> str:
    """Every envelope signed by `key`."""
    edits: dict[bytes, Entry | None] = {}
    for path, entry in w.objects.walk(tree):
        payload = base64.b64decode(json.loads(w.objects.blob(entry.oid))["payload"])
        edits[path] = Entry(FILE, b"", w.writer.blob(dsse.sign(key, payload)))
    return w.writer.edit_tree(tree, edits)


ATTACKS: dict[str, Attack] = {
    "byte of a node's statement": byte_in(RUNS, b"statement.json"),
    "byte of a job's statement": byte_in(RUNS, b"job.json"),
    "byte of an opening (the queue that was read)": byte_in(RUNS, b"open.json"),
    "byte of a close": byte_in(RUNS, b"close.json"),
    "byte of an artifact": byte_in(ARTIFACTS),
    "byte of a note": byte_in(notes.REF),
    "byte of PR metadata": byte_in(META),
    "byte of a frozen queue": byte_in(FROZEN),
    "file of a frozen queue removed": removed(FROZEN),
    "frozen queue replayed": replayed_freeze,
    "frozen queue rolled back": rolled_back_freeze,
    "byte of the record of a key": byte_in(KEYS),
    "value in a signed payload": payload_value,
    "byte of a commit": commit_byte,
    "byte of a tree": tree_byte,
    "content of a PR branch or breadcrumb": branch_content,
    "PR branch or breadcrumb moved": moved_branch,
    "statement removed": removed(RUNS),
    "artifact removed": removed(ARTIFACTS),
    "note removed": removed(notes.REF),
    "entry removed": removed_entry,
    "ref removed": removed_ref,
    "lines of a note": lines_of_note,
    "notes swapped": swapped_notes,
    "note added": strange_note,
    "file added": strange_file,
    "ref added": strange_ref,
    "ref to something else": not_a_commit,
    "entry replayed as another job": replayed_entry,
    "nodes reordered or replayed": reordered_nodes,
    "opening or close of another night": replayed_file,
    "night replayed": replayed_night,
    "metadata replayed": replayed_metadata,
    "artifacts replayed": replayed_artifacts,
    "replayed in another repository": another_repository,
    "night truncated": truncated,
    "ledger rolled back": rolled_back,
    "review rolled back": rolled_back_review,
    "resealed with an unknown key": resealed("unknown"),
    "resealed with an expired key": resealed("expired"),
    "resealed with a key not valid yet": resealed("not-yet"),
    "resealed with a person's key": resealed("person-only"),
    "resealed with a revoked key": resealed("revoked"),
}
