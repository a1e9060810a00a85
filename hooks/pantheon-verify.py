#!/usr/bin/env python3
"""Verify the ledger of a pantheon-git repository without pantheon-git: one file, to be read from top to bottom.

    python3 pantheon-verify.py [REPOSITORY] [--keys ALLOWED_SIGNERS] [--at OID] [--high-water FILE] [--night NIGHT]

Needs Python 3.11, `cryptography`, stock git, and a clone that holds refs/pantheon/* and refs/notes/pantheon. Offline;
writes nothing. Exit code: 0 good, 1 something is missing or malformed, 2 something is not what was signed.

What a ledger is. Each night is a chain of signed commits, refs/pantheon/runs/NIGHT. The first holds open.json (what the
night set out to do), each later one adds jobs (BUCKET/JOB/job.json, BUCKET/JOB/NN-node/statement.json), the last adds
close.json (how every job ended). Each JSON file is a DSSE envelope around an in-toto statement, signed with Ed25519;
statements name each other by sha256, and by sha256 and oid the files in refs/pantheon/artifacts/NIGHT and the job's own
commit. Notes (refs/notes/pantheon) repeat the statements for people; refs/pantheon/meta/JOB holds people's decisions,
refs/pantheon/frozen/NAME the queue that a person froze for a night (queue.jsonl; dropped.json withdraws it).

What is checked: that every byte of all this is what a trusted key signed while it was trusted, that nothing is missing,
reordered, doubled, or from another job, night or repository, and that branches and notes say what was signed.

What is not proven: that the signer told the truth; that the ledger is not an older state of itself, unless --at or
--high-water say what was seen before or a merge in this history names a head; and what NOT_CHECKED says, which each
run repeats. A job that two machines ran at once, whose nights were united since, is called tampered here.
"""

from __future__ import annotations

import argparse
import base64
import calendar
import contextlib
import fnmatch
import hashlib
import json
import os
import re
import subprocess
import sys
import time
import unicodedata
from collections import defaultdict
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

RUNS, ARTIFACTS, META = "refs/pantheon/runs/", "refs/pantheon/artifacts/", "refs/pantheon/meta/"
PRS, FAILED, KEYS = "refs/heads/pantheon/pr/", "refs/pantheon/failed/", "refs/pantheon/keys/"
FROZEN = "refs/pantheon/frozen/"
NOTES = "refs/notes/pantheon"
NIGHT, PERSON = "pantheon-night", "pantheon-person"  # roles of keys
FOLDER, FILE = 0o040000, 0o100644
CONTEXT = ("night", "job", "task", "revision", "attempt", "flow", "flow_oid", "base", "target")
NOT_CHECKED = (
    "the gate's verdicts are not judged anew (pantheon-git verify --gate does)",
    "who is trusted is what --keys says: records of rotated and revoked keys are checked to be whole, and not applied",
    "what signed words say is not weighed: that jail, guard and tests were as a statement has it is its signer's word",
)
MALFORMED = (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError, RecursionError)

# --- Verdicts ---------------------------------------------------------------------------------------------------------


class Wrong(Exception):
    """Something is not what was signed (exit code 2), or, not `tampered`, is missing or malformed (exit code 1)."""

    def __init__(self, problem, tampered=True, where=None, oid=None):
        super().__init__(problem)
        self.problem, self.tampered, self.where, self.oid = problem, tampered, where, oid

    def verdict(self, night=None, job=None):
        return verdict("tampered" if self.tampered else "incomplete", night, job, self.where, self.oid, self.problem)


def verdict(kind, night=None, job=None, where="", oid=None, problem=""):
    return {"kind": kind, "night": night, "job": job, "where": where or "", "oid": oid, "problem": problem[:500]}


@contextlib.contextmanager
def at(where, oid=None):
    """What goes wrong inside is wrong at this place, unless a place further in has named itself."""
    try:
        yield
    except Wrong as wrong:
        if wrong.where is None:
            wrong.where, wrong.oid = where, oid
        raise
    except MALFORMED as error:
        raise Wrong(f"malformed: {error!r}", False, where, oid) from error


def require(holds, problem):
    if not holds:
        raise Wrong(problem)


# --- Git: objects are what their names say, whatever lies in the store ------------------------------------------------


class Repository:
    def __init__(self, path):
        keep = ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_SYSTEM", "GIT_EXEC_PATH")
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name in keep}
        # no replaced objects, no grafts: what was signed is what is read
        self.env |= {"LC_ALL": "C", "GIT_NO_REPLACE_OBJECTS": "1", "GIT_GRAFT_FILE": os.devnull}
        self.path, pipe = path, subprocess.PIPE
        self.cat = subprocess.Popen(["git", "cat-file", "--batch"], cwd=path, env=self.env, stdin=pipe, stdout=pipe)
        self.tree = lru_cache(1024)(self.read_tree)
        lines = self.git("for-each-ref", "--format=%(objectname) %(refname)")[1].decode("utf-8", "surrogateescape")
        self.refs = {ref: oid for oid, _, ref in (line.partition(" ") for line in lines.splitlines())}

    def git(self, *args, stdin=None):
        """Exit code and output; without git's cache of the history, which nothing signs."""
        command = ["git", "-c", "core.commitGraph=false", *args]
        done = subprocess.run(command, cwd=self.path, env=self.env, input=stdin, capture_output=True, check=False)
        return done.returncode, done.stdout

    def read(self, oid, kind):
        if not re.fullmatch("[0-9a-f]{40}", oid):
            raise Wrong(f"not an object name: {oid[:60]!r}", False)
        self.cat.stdin.write(oid.encode() + b"\n")
        self.cat.stdin.flush()
        head = self.cat.stdout.readline().split()
        if len(head) != 3:
            raise Wrong(f"there is no object {oid}", False)
        data = self.cat.stdout.read(int(head[2]) + 1)[:-1]
        if hashlib.sha1(b"%s %d\0" % (head[1], len(data)) + data).hexdigest() != oid:
            raise Wrong(f"object {oid} is corrupt", False)
        if head[1].decode() != kind:
            raise Wrong(f"object {oid} is a {head[1].decode()}, not a {kind}", False)
        return data

    def blob(self, oid):
        return self.read(oid, "blob")

    def read_tree(self, oid):
        """Name → (mode, oid)."""
        data, entries, place = self.read(oid, "tree"), {}, 0
        try:
            while place < len(data):
                space = data.index(b" ", place)
                nul = data.index(b"\0", space)
                entries[data[space + 1 : nul]] = (int(data[place:space], 8), data[nul + 1 : nul + 21].hex())
                place = nul + 21
        except ValueError as error:
            raise Wrong(f"a tree that cannot be read: {error}", False) from error
        if place != len(data):
            raise Wrong("a tree that is cut off", False)
        return entries

    def find(self, tree, path):
        """(mode, oid) of what stands at a path; (0, None) where nothing does."""
        found = (FOLDER, tree)
        for part in path.split(b"/"):
            found = self.tree(found[1]).get(part, (0, None)) if found[0] == FOLDER else (0, None)
        return found

    def walk(self, tree, prefix=b""):
        for name, (mode, oid) in self.tree(tree).items():
            if mode == FOLDER:
                yield from self.walk(oid, prefix + name + b"/")
            else:
                yield prefix + name, oid

    def changes(self, before, after, prefix=b""):
        """(A, M or D; path) of each file in which two trees differ; also in modes that git takes for the same."""
        old, new = self.tree(before), self.tree(after)
        for name in sorted(old.keys() | new.keys()):
            was, now = old.get(name, (0, None)), new.get(name, (0, None))
            if was != now and was[0] == now[0] == FOLDER:
                yield from self.changes(was[1], now[1], prefix + name + b"/")
            elif was != now:
                gone, come = (set(self.below(prefix + name, *one)) for one in (was, now))
                for path in sorted(gone | come):
                    how = "M" if path in gone and path in come else "D" if path in gone else "A"
                    yield how, path.decode("utf-8", "backslashreplace")

    def below(self, path, mode, oid):
        """The files at a path."""
        if mode == FOLDER:
            yield from (one for one, _ in self.walk(oid, path + b"/"))
        elif oid:
            yield path

    def commit(self, oid):
        return Commit(self.read(oid, "commit"))


class Commit:
    def __init__(self, raw):
        head, _, message = raw.partition(b"\n\n")
        signed = re.search(rb"\ngpgsig (.*(?:\n .*)*)", head)
        bare = head[: signed.start()] + head[signed.end() :] if signed else head
        self.unsigned, self.message = bare + b"\n\n" + message, message.decode("utf-8", "surrogateescape")
        self.signature = signed[1].replace(b"\n ", b"\n").decode("ascii", "replace") if signed else None
        named = [line.partition(" ")[::2] for line in bare.decode("utf-8", "surrogateescape").split("\n")]
        self.parents = [value for name, value in named if name == "parent"]
        first = dict(reversed(named))
        self.tree, self.committer = first.get("tree", ""), first.get("committer", "")
        # these headers, each where git puts it, the signature last: nothing that no signature covers
        usual = ["tree", *["parent"] * len(self.parents), "author", "committer"]
        self.usual = [name for name, _ in named] == usual and (not signed or signed.end() == len(head))

    @property
    def artifacts(self):
        """The commit of artifacts that a group commit names in a trailer."""
        last = self.message.rstrip("\n").rpartition("\n\n")[2].split("\n")
        return next((one.partition(": ")[2] for one in last if one.startswith("Pantheon-Artifacts: ")), None)

    @property
    def time(self):
        try:
            return int(self.committer.split()[-2])
        except (IndexError, ValueError) as error:
            raise Wrong("the commit has no time that can be read") from error


# --- Keys and signatures ----------------------------------------------------------------------------------------------


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def ssh_string(data):
    return len(data).to_bytes(4, "big") + data


KEY_HEAD = ssh_string(b"ssh-ed25519") + (32).to_bytes(4, "big")


def key_id(blob):
    """As `ssh-keygen -l` prints it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


class Trust:
    """An allowed_signers file of OpenSSH (ssh-keygen(1)): who may sign what, and when."""

    OPTION = re.compile(r'(cert-authority|[a-z-]+="(?:[^"\\]|\\.)*")', re.IGNORECASE)
    LINE = re.compile(rf"(\S+)\s+(?:((?:{OPTION.pattern},?)+)\s+)?ssh-ed25519\s+(\S+)", re.IGNORECASE)

    def __init__(self, path):
        self.entries = []  # key id, key, principals, valid after, valid before
        for line in map(str.strip, path.read_text("utf-8").splitlines()):
            found = None if line.startswith("#") else self.LINE.match(line)
            options = dict(one.partition("=")[::2] for one in self.OPTION.findall(found[2] or "")) if found else {}
            options = {name.lower(): value.strip('"') for name, value in options.items()}
            usable = any(fnmatch.fnmatchcase("git", one) for one in options.get("namespaces", "*").split(","))
            if found and usable and "cert-authority" not in options:
                blob = base64.b64decode(found[4], validate=True)
                limits = [self.clock(options[n]) if n in options else None for n in ("valid-after", "valid-before")]
                key = Ed25519PublicKey.from_public_bytes(blob.removeprefix(KEY_HEAD))
                self.entries.append((key_id(blob), key, found[1].strip('"').split(","), *limits))
        if not self.entries:
            raise SystemExit(f"{path} trusts no Ed25519 key, so nothing can be verified")

    @staticmethod
    def clock(text):
        digits = text.rstrip("Zz")
        form = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}[len(digits)]
        return (time.mktime if digits == text else calendar.timegm)(time.strptime(digits, form))

    def require(self, name, role, when):
        """The key of that id, if it was trusted as `role` at `when`; None: whoever knows the time asks again."""
        known = [entry for entry in self.entries if entry[0] == name]
        require(known, f"signed with the unknown key {name}")
        fit = [entry for entry in known if any(fnmatch.fnmatchcase(role, one) for one in entry[2])]
        require(fit, f"signed with {name}, which is not trusted as {role}")
        now = None if when is None else int(when)
        valid = [e for e in fit if e[4] is None or (e[4] > 1 and (now is None or now <= e[4]))]
        valid = [e for e in valid if now is None or e[3] is None or now >= e[3]]
        require(valid, f"signed with {name}, which was not valid at {now} (seconds since 1970)")
        return valid[0][1]


def check_signature(key, signature, data):
    try:
        key.verify(signature, data)
    except InvalidSignature as error:
        raise Wrong("the signature does not fit what it is said to sign") from error


def signer(commit):
    """Id of the key that made the commit's SSH signature (PROTOCOL.sshsig of OpenSSH), namespace `git`, SHA-512."""
    require(commit.signature is not None, "the commit is not signed")
    lines = commit.signature.split("\n")
    try:
        blob = base64.b64decode("".join(lines[1:-1]), validate=True)
    except ValueError as error:
        raise Wrong(f"not an SSH signature that can be read: {error}") from error
    key, raw = blob[14 : 14 + len(KEY_HEAD) + 32], blob[-64:]
    require(key.startswith(KEY_HEAD) and len(key) == len(KEY_HEAD) + 32, "not a signature of an Ed25519 key")
    parts = ssh_string(b"git") + ssh_string(b"") + ssh_string(b"sha512")
    again = b"SSHSIG\0\0\0\1" + ssh_string(key) + parts + ssh_string(ssh_string(b"ssh-ed25519") + ssh_string(raw))
    text = base64.b64encode(again).decode()
    armor = [text[start : start + 70] for start in range(0, len(text), 70)]
    written = ["-----BEGIN SSH SIGNATURE-----", *armor, "-----END SSH SIGNATURE-----"]
    require(lines == written, "the SSH signature is not written as it was signed")
    signed = b"SSHSIG" + parts + ssh_string(hashlib.sha512(commit.unsigned).digest())
    check_signature(Ed25519PublicKey.from_public_bytes(key[len(KEY_HEAD) :]), raw, signed)
    require(commit.usual, "the commit holds more than what was signed")
    return key_id(key)


class Statement:
    """An in-toto statement in a DSSE envelope that is written in one way only. Not verified: see `opened`."""

    def __init__(self, data):
        try:
            raw = json.loads(data)
            (one,) = raw["signatures"]
            self.payload, self.signature = (base64.b64decode(x, validate=True) for x in (raw["payload"], one["sig"]))
            self.type, self.key = raw["payloadType"], one["keyid"]
            payload, signature = (base64.b64encode(part).decode() for part in (self.payload, self.signature))
            same = (
                f'{{"payload":"{payload}","payloadType":{json.dumps(self.type)},'
                f'"signatures":[{{"keyid":{json.dumps(self.key)},"sig":"{signature}"}}]}}\n'
            ).encode() == data
        except MALFORMED as error:
            raise Wrong(f"not a DSSE envelope that can be read: {error!r}") from error
        require(same, "the envelope is not written as it was signed")

    def parse(self, kind):
        raw = json.loads(self.payload)
        if raw["_type"] != "https://in-toto.io/Statement/v1" or raw["predicateType"] != f"urn:pantheon-git:{kind}:v1":
            raise Wrong(f"not a statement about a {kind}", False)
        self.said, self.subject = raw["predicate"], {entry["name"]: entry["digest"] for entry in raw["subject"]}
        self.sha256, self.context = sha256(self.payload), [self.said.get(name) for name in CONTEXT]
        return self


def opened(data, kind, trust, when, role=NIGHT):
    """Verify an envelope, then parse those very bytes. `when`: the field that says when it was signed."""
    found = Statement(data)
    require(found.type == "application/vnd.in-toto+json", f"payload of type {found.type}")
    pae = b"DSSEv1 %d %s %d %s" % (len(found.type), found.type.encode(), len(found.payload), found.payload)
    check_signature(trust.require(found.key, role, None), found.signature, pae)
    trust.require(found.key, role, float(found.parse(kind).said[when]))
    return found


# --- The text of notes, rendered again from signed statements ---------------------------------------------------------


def plain(text, most=100):
    clean = "".join(char for char in " ".join(str(text).split()) if unicodedata.category(char)[0] != "C")
    return clean if len(clean) <= most else clean[: most - 1].rstrip() + "…"


def line(context, node, how, reason, thing, sealed):
    said = f"{how}: {text}" if (text := plain(reason)) else how
    seal = f"{sealed.key} | {base64.b64encode(sealed.signature).decode()}"
    return f"{context['night']} {context['job']} {node} {said} | {thing} | {seal}\n".encode("utf-8", "surrogateescape")


def node_folder(said):
    return f"{said['node']['index']:02}-{said['node']['name']}"


def node_line(node):
    thing = f"artifact {node.subject['artifact']['gitTree']}"
    return line(node.said, node_folder(node.said), node.said["verdict"], node.said["reason"], thing, node)


def job_line(job):
    said, where = job.said, f" at {job.said['stopped_at']}" if job.said["stopped_at"] else ""
    reason = said["title"] if said["ending"] in ("pr", "unchanged") else said["reason"]
    thing = f"commit {said['commit']}" if said["commit"] else "no commit"
    return line(said, "00-job", said["ending"] + where, reason, thing, job)


def absent_line(context, close):
    late = "the night was cut off" if close.said["status"] == "interrupted" else "the night ended before its turn"
    why = close.said["info"].get("put_off", {}).get(context["task"], late)
    return line(context, "00-job", "not run", why, "no commit", close)


def job_note(job, nodes):
    """At most 14 lines: those that did not pass first of all, and one that says how many are left out."""
    shown, lines = nodes, [job_line(job)]
    if len(nodes) > 13:
        shown = sorted(nodes, key=lambda one: (one.said["verdict"] == "pass", one.said["node"]["index"]))[:12]
        name, count = job.said["job"], len(nodes) - 12
        lines.append(f"{job.said['night']} {name} 99-more {count} more nodes; pantheon-git trace {name}\n".encode())
    return b"".join(sorted({*lines, *map(node_line, shown)}))


# --- The ledger -------------------------------------------------------------------------------------------------------


class Ledger:
    def __init__(self, repository, trust):
        self.repo, self.trust, self.refs, self.notes = repository, trust, repository.refs, None
        self.chains, self.jobs = {}, set()  # night → its commits; all jobs
        self.own = {}  # commit of a job → the beginning of its own lines in its note, and those lines if it is good
        self.lines = defaultdict(set)  # base commit → lines that its note must have
        self.began, self.followed, self.unsure = {}, [], set()  # unsure: nights whose lines cannot be told

    def verify(self, only, anchor, high_water):
        yield from self.caught(self.notes_commit)
        for ref in sorted(ref for ref in self.refs if ref.startswith(KEYS)):
            yield from self.caught(self.key_record, ref)
        yield from self.frozen()
        for night in sorted(ref.removeprefix(RUNS) for ref in self.refs if ref.startswith(RUNS)):
            if only in (None, night):
                yield from Night(self, night).verify()
        for base, lines in sorted(self.lines.items()):
            yield from self.caught(self.base_note, base, lines, only)
        if only is None:
            yield from self.leftovers()
            yield from self.caught(self.stray_notes)
        marks = json.loads(high_water.read_text("utf-8")) if high_water and high_water.exists() else {}
        yield from self.origin(self.seen_before(anchor, marks))
        yield from self.anchors(anchor, marks)

    @staticmethod
    def caught(check, *args):
        try:
            yield from check(*args) or ()
        except Wrong as wrong:
            yield wrong.verdict()

    def signed_commit(self, oid, role):
        commit = self.repo.commit(oid)
        self.trust.require(signer(commit), role, commit.time)
        return commit

    def notes_commit(self):
        tip = self.refs.get(NOTES)
        with at(NOTES, tip):
            self.notes = self.repo.commit(tip).tree if tip else None
            if tip and self.repo.commit(tip).signature is None:
                return [verdict("remark", problem=f"{NOTES} was last written unsigned, by stock git")]
            if tip:
                self.signed_commit(tip, NIGHT)
        return []

    def key_record(self, ref):
        with at(f"{ref}:record.json", self.refs[ref]):
            commit = self.repo.commit(self.refs[ref])
            found = self.repo.tree(commit.tree)
            mode, oid = found.get(b"record.json", (0, None))
            require(len(found) == 1 and mode == FILE, "not the record of a key")
            data = self.repo.blob(oid)
            require(ref == KEYS + sha256(data)[:16], "the record of another change, replayed here")
            record = Statement(data).parse("key")
            require(not commit.parents, "a record has no history")
            require(signer(commit) in {record.key, *(e[0] for e in self.trust.entries)}, "signed with an unknown key")

    def frozen(self):
        """Queues that a person froze; none that a later one knew is gone."""
        followed = []
        for ref, oid in sorted(self.refs.items()):
            try:
                if ref.startswith(FROZEN) and (before := Frozen(self, ref, oid).verify().said["previous"]):
                    followed.append((FROZEN + before["frozen"], before["head"]))
            except Wrong as wrong:
                yield wrong.verdict()
        for ref, head in followed:
            with contextlib.suppress(Wrong):  # its own verdict has told
                tip, problem = self.refs.get(ref), f"another was frozen after {head[:12]}, which is gone"
                if tip is None or head not in (tip, *self.repo.commit(tip).parents):
                    yield verdict("tampered", None, None, ref, head, problem)

    def note(self, commit):
        """The note on a commit, whose name may be split into folders of two digits; empty without one."""
        tree, rest = self.notes, commit.encode()
        while tree is not None:
            entries = self.repo.tree(tree)
            if rest in entries and entries[rest][0] != FOLDER:
                return self.repo.blob(entries[rest][1])
            mode, oid = entries.get(rest[:2], (0, None))
            tree, rest = oid if mode == FOLDER else None, rest[2:]
        return b""

    def owed(self, commit, only=None):
        """Lines of a commit's note that are not those of its own job."""
        prefix = self.own.get(commit, (None,))[0]
        for one in self.note(commit).splitlines(keepends=True):
            night = one.partition(b" ")[0].decode("utf-8", "replace")
            if not (prefix and one.startswith(prefix)) and night not in self.unsure and only in (None, night):
                yield one

    def base_note(self, base, lines, only):
        """The note of the commit upon which a night began has one line per task, and nothing else."""
        with at(f"{NOTES}:{base}", base):
            require(list(self.owed(base, only)) == sorted(lines), "not the lines of the nights that began here")

    def leftovers(self):
        """What a later night has seen and is gone; what stands in our names and no night has signed."""
        families = ((PRS, self.jobs), (FAILED, self.jobs), (META, self.jobs), (ARTIFACTS, self.chains))
        if not self.chains:
            if self.notes or any(ref.startswith((PRS, FAILED, META, ARTIFACTS)) for ref in self.refs):
                yield verdict("incomplete", None, None, RUNS, None, "no night is here: not fetched, or taken away")
            return
        for night, previous, head in self.followed:
            if head not in self.chains.get(previous, ()):
                problem = f"night {night} followed its commit {head[:12]}, which is gone"
                yield verdict("tampered", previous, None, RUNS + previous, head, problem)
        for ref, oid in sorted(self.refs.items()):
            known = [ref.removeprefix(prefix) in names for prefix, names in families if ref.startswith(prefix)]
            if known == [False]:
                yield verdict("tampered", None, None, ref, oid, "no night has signed it")
            elif not known and ref.startswith("refs/pantheon/") and not ref.startswith((RUNS, KEYS, FROZEN)):
                yield verdict("incomplete", None, None, ref, oid, "not a ref that this version knows")

    def stray_notes(self):
        seen, bases = set(), {base for base, _ in self.began}
        with at(NOTES, self.notes):
            for path, oid in self.repo.walk(self.notes) if self.notes and self.chains else ():
                name, problem = path.replace(b"/", b"").decode("utf-8", "backslashreplace"), ""
                _, own = self.own.get(name, (None, b""))  # None: the job's verdict has told
                if not re.fullmatch("[0-9a-f]{40}", name):
                    name, problem = path.decode("utf-8", "backslashreplace"), "not a note"
                elif name in seen:
                    problem = "a second note on the same commit"
                elif name not in self.lines and own is not None and (own or name not in bases):
                    whole = own and (self.repo.blob(oid) == own or not any(self.owed(name)))
                    problem = "" if whole else "no night signed this note, or not all of it"
                if problem:
                    yield verdict("tampered", None, None, f"{NOTES}:{name}", oid, problem)
                seen.add(name)

    def seen_before(self, anchor, marks):
        """The nights that an anchor names, and those that they followed."""
        found = {name for name, chain in self.chains.items() if anchor in chain or marks.get(RUNS + name) in chain}
        for night, previous, head in sorted(self.followed, reverse=True):
            if night in found and head in self.chains.get(previous, ()):
                found.add(previous)
        return found

    def origin(self, seen):
        """A night's base must share its first commit with its target as it stands, or once stood, here."""
        shallow = self.repo.git("rev-parse", "--is-shallow-repository")[1].strip() == b"true"
        for (base, target), night in sorted(self.began.items()):
            tip = self.refs.get(target) or self.refs.get(target.replace("refs/heads/", "refs/remotes/origin/", 1))
            if shallow or tip is None:
                yield verdict("remark", problem=f"shallow, or no {target}: that nights began here is not proven")
                continue
            log = ("log", "-1000", "--walk-reflogs", "--format=%H", "--end-of-options")
            known = [tip, *(oid for ref in (target, "HEAD") for oid in self.repo.git(*log, ref)[1].decode().split())]
            asked = "\n".join([base, *(f"^{oid}" for oid in known)]).encode("utf-8", "replace")
            code, out = self.repo.git("rev-list", "--max-parents=0", "--stdin", stdin=asked)
            if code:
                yield verdict("incomplete", night, None, target, base, "its base commit, or one before it, is not here")
            elif out and night not in seen:
                problem = f"began in another history than {target} has: replayed from another repository, or rewritten"
                yield verdict("tampered", night, None, RUNS + night, base, problem)

    def anchors(self, oid, marks):
        """Merges name the ledger's head in a trailer; a verifier remembers refs; a person may give an oid."""
        asked = ("log", "-10", "--grep=^Pantheon-Ledger: ", "--format=%(trailers:key=Pantheon-Ledger,valueonly)")
        merged = list(dict.fromkeys(self.repo.git(*asked)[1].decode("utf-8", "replace").split()))
        for anchor in [*([oid] if oid else []), *merged]:
            code, out = self.repo.git("for-each-ref", f"--contains={anchor}", NOTES, RUNS, META, KEYS, FROZEN)
            if code or not out:
                yield verdict("tampered", None, None, NOTES, anchor, f"rolled back: it once held {anchor[:40]}")
        for ref, mark in sorted(marks.items()):
            now = self.refs.get(ref)
            if now is None:
                yield verdict("tampered", None, None, ref, mark, "it was here when last verified, and is gone")
            elif now != mark and self.repo.git("merge-base", "--is-ancestor", mark, now)[0]:
                yield verdict("tampered", None, None, ref, now, f"rolled back: it was at {mark} when last verified")
        if not (oid or merged or marks):
            yield verdict("remark", problem="freshness not proven: no anchor; give one with --at OID")


# --- A night ----------------------------------------------------------------------------------------------------------


class Night:
    def __init__(self, ledger, name):
        self.ledger, self.repo, self.refs, self.name, self.ref = ledger, ledger.repo, ledger.refs, name, RUNS + name
        self.chain, self.commits, self.endings, self.lines = [], {}, {}, defaultdict(set)
        self.jobs, self.spoiled, self.contexts, self.opening, self.close = set(), {}, {}, None, None

    def verify(self):
        yield from self.stream()
        ledger = self.ledger
        ledger.chains[self.name] = {oid for oid, _ in self.chain}
        ledger.jobs |= self.jobs
        if self.close is None:
            ledger.unsure.add(self.name)
        for base, lines in self.lines.items() if self.close else ():
            ledger.lines[base] |= lines
        if self.opening is not None:
            for context in self.contexts.values():
                ledger.began.setdefault((context["base"], context["target"]), self.name)
            if previous := self.opening.said["previous"]:
                ledger.followed.append((self.name, previous["night"], previous["head"]))

    def stream(self):
        """A verdict for each job, then for the night."""
        try:
            self.read_chain()
            self.open()
            groups = [self.group(number) for number in range(1, len(self.chain))]
            self.ended = self.repo.find(self.chain[-1][1].tree, b"close.json")[1] is not None
        except Wrong as wrong:
            yield wrong.verdict(self.name)
            return
        tip, self.artifacts = self.refs.get(ARTIFACTS + self.name), None
        with contextlib.suppress(Wrong):
            self.artifacts = self.repo.commit(tip).tree if tip else None
        for number, group in enumerate(groups, 1):
            self.unfinished = not self.ended and number == len(groups)
            yield from filter(None, (self.job(job) for job in group))
        wrong = [found for job, found in self.spoiled.items() if job not in self.jobs]
        for check in (self.closing, self.ran_frozen, lambda: self.links(groups), self.artifact_commit):
            wrong += self.ledger.caught(check)
        yield from ({**found, "night": self.name} for found in wrong)
        if not wrong and not self.spoiled:
            yield verdict("good", self.name, oid=self.refs[self.ref])

    def read_chain(self):
        oid = self.refs[self.ref]
        with at(self.ref, oid):
            while oid is not None:
                self.chain.append((oid, self.repo.commit(oid)))
                oid = next(iter(self.chain[-1][1].parents), None)
        self.chain.reverse()

    def open(self):
        with at(f"{self.ref}:open.json"):
            entries = self.repo.tree(self.chain[0][1].tree)
            oid = entries.get(b"open.json", (0, None))[1]
        with at(f"{self.ref}:open.json", oid):
            require(entries.keys() == {b"open.json"}, "the chain does not begin with the opening of the night")
            self.opening = opened(self.repo.blob(oid), "night-opened", self.ledger.trust, "opened")
            said = self.opening.said
            require(said["night"] == self.name, "the opening of another night, replayed here")
            rows = json.dumps(said["jobs"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            digest = sha256(rows.encode("utf-8", "backslashreplace"))
            require(self.opening.subject["jobs"] == {"sha256": digest}, "not the jobs it names")
            contexts = [dict(zip(CONTEXT, (self.name, *row), strict=True)) for row in said["jobs"]]
            self.contexts = {context["job"]: context for context in contexts}

    def group(self, number):
        """The jobs that a commit of the chain added. What it changed or took out of the one before it is spoiled."""
        found = {}
        with at(self.ref, self.chain[number][0]):
            before, after = self.chain[number - 1][1].tree, self.chain[number][1].tree
            self.repo.tree(before), self.repo.tree(after)
            for how, path in self.repo.changes(before, after):
                job = path.split("/")[1] if path.count("/") > 1 else ""
                folder = "/".join(path.split("/")[:2]).encode("utf-8", "replace")
                if how != "A" or (job and self.repo.find(before, folder)[1]):
                    place, problem = f"{self.ref}:{path}", "not as it was when the night signed the entry"
                    self.spoiled.setdefault(job, verdict("tampered", self.name, job or None, place, None, problem))
                if job and self.repo.find(after, path.encode().rpartition(b"/")[0])[0] == FOLDER:
                    found[job] = True
        return list(found)

    def job(self, name):
        """The verdict on a job; None where it came before."""
        if name in self.jobs:
            return None
        self.jobs.add(name)
        place = f"{RUNS}{self.name}:{bucket(name)}"
        check, note = Job(self, name, place), None
        try:
            with at(place):
                note = check.verify()
                self.commits[name] = check.job.said["commit"]
                found = verdict("good", self.name, name, oid=check.job.said["commit"])
        except Wrong as wrong:
            found = wrong.verdict(self.name, name)
        if check.job is None:
            return self.spoiled.get(name, found)
        said = check.job.said
        self.endings[name] = said["ending"]
        self.lines[said["base"]].add(job_line(check.job))
        if said["commit"]:
            self.ledger.own[said["commit"]] = (own_prefix(said), note)
        return self.spoiled.get(name, found)

    def closing(self):
        oid = self.repo.find(self.chain[-1][1].tree, b"close.json")[1]
        with at(f"{self.ref}:close.json", oid):
            if oid is None:
                raise Wrong("the night has no close: it runs, was cut off, or its end was taken away", False)
            close = opened(self.repo.blob(oid), "night-closed", self.ledger.trust, "closed")
            said = close.said
            require(said["night"] == self.name, "the close of another night, replayed here")
            named = {job: ending for ending, jobs in said["endings"].items() for job in jobs}
            require(not (lost := sorted(named.keys() - self.jobs)), f"{lost[:1]} ended, but the entry is gone")
            wrong = sorted(job for job in self.endings if self.endings[job] != named.get(job))
            require(not wrong, f"{wrong[:1]} is not among the jobs that the night closed with")
            require(said["count"] == len(named), "a wrong count of jobs")
            ends = len(self.chain) > 1 and said["head"] == self.chain[-2][0]
            require(ends, "the chain does not end where it was closed")
            require(said["previous"] == self.opening.sha256, "the close of another opening")
        for context in [context for name, context in self.contexts.items() if name not in self.jobs]:
            self.lines[context["base"]].add(absent_line(context, close))
        self.close = close

    def ran_frozen(self):
        """What was not frozen did not run, where the opening names a frozen queue."""
        with at(f"{self.ref}:open.json"):
            if not (said := self.opening.said["info"].get("frozen")):
                return
            ref = FROZEN + said["frozen"]
        with at(ref, said["head"]):
            require(ref in self.refs, f"night {self.name} ran this frozen queue, and it is gone")
            found = Frozen(self.ledger, ref, self.refs[ref])
            found.read()
            same = (found.chain[0], sha256(found.data)) == (said["head"], said["sha256"])
            require(same, f"not the frozen queue that night {self.name} ran")
        with at(f"{self.ref}:open.json"):
            jobs = {job["job"]: job for job in found.lines[1:]}
            for one in self.contexts.values():
                job = jobs.get(one["job"], {"revision": None})
                fits = job["revision"] == one["revision"] and job["flows"].get(one["flow"]) == one["flow_oid"]
                require(fits and one["target"] == found.lines[0]["target"], f"{one['job']} ran, and was not frozen so")

    def links(self, groups):
        for (oid, _), group in zip(self.chain, [[], *groups], strict=True):
            with at(self.ref, oid):
                commit = self.ledger.signed_commit(oid, NIGHT)
                expected = {self.commits[job] for job in group if self.commits.get(job)}
                require(expected <= set(commit.parents[1:]), "a job's commit is not among its parents")

    def artifact_commit(self):
        ref, named = ARTIFACTS + self.name, [commit.artifacts for _, commit in self.chain if commit.artifacts]
        with at(ref, tip := self.refs.get(ref)):
            if tip is not None:
                self.ledger.signed_commit(tip, NIGHT)
                if self.close is None and named[-2:-1] == [tip]:
                    raise Wrong("it is one group behind: the night runs, or was cut off", False)
                require(named[-1:] == [tip], "not the artifacts that the night signed")


# --- A job ------------------------------------------------------------------------------------------------------------


def bucket(job):
    return f"{sha256(job.encode())[:2]}/{job}"


def own_prefix(said):
    """How the lines of a job's own note begin."""
    return f"{said['night']} {said['job']} ".encode()


class Job:
    def __init__(self, night, name, place):
        self.night, self.ledger, self.repo, self.refs = night, night.ledger, night.repo, night.refs
        self.name, self.place, self.job = name, place, None

    def verify(self):
        """Raises Wrong at the first thing that is not what was signed; returns the lines of the job's own note."""
        self.statement()
        nodes = [self.node(named) for named in self.job.said["nodes"]]
        with at(f"{self.place}/job.json"):
            chain = [None, *(node.sha256 for node in nodes)]
            follows = [node.said["previous"] for node in nodes] == chain[:-1] and self.job.said["previous"] == chain[-1]
            require(follows, "its nodes do not follow one another as they were signed")
        self.artifacts(nodes)
        self.commit()
        note = self.note(nodes)
        self.metadata()
        return note

    def gone(self, what):
        """The last group of a night without a close may be half written."""
        return Wrong(f"{what} is gone, or not there yet", tampered=not self.night.unfinished)

    def statement(self):
        with at(self.place):
            self.folder = self.repo.find(self.night.chain[-1][1].tree, bucket(self.name).encode())[1]
            entries = self.repo.tree(self.folder) if self.folder else {}
        oid = entries.get(b"job.json", (0, None))[1]
        with at(f"{self.place}/job.json", oid):
            require(oid is not None, "the entry of this job is gone")
            job = opened(self.repo.blob(oid), "job", self.ledger.trust, "started")
            said, asked = job.said, self.night.contexts.get(self.name)
            own = said["night"] == self.night.name and said["job"] == self.name
            require(own, "the entry of another job, replayed here")
            require(asked and list(asked.values()) == job.context, "not what the night set out to do")
            require(job.subject["tree"] == {"gitTree": said["tree"]}, "two trees for one job")
            commit = {"gitCommit": said["commit"]} if said["commit"] else None
            require(job.subject.get("commit") == commit, "two commits for one job")
            named = {node["folder"].encode() for node in said["nodes"]} | {b"job.json"}
            self.job = job
        for name in sorted(named ^ entries.keys()):
            problem = "is gone" if name in named else "was added"
            raise Wrong(problem, True, f"{self.place}/{name.decode('utf-8', 'backslashreplace')}", self.folder)

    def node(self, named):
        with at(f"{self.place}/{named['folder']}", self.folder):
            mode, above = self.repo.tree(self.folder)[named["folder"].encode()]
            below = self.repo.tree(above) if mode == FOLDER else {}
            oid = below.get(b"statement.json", (0, None))[1]
        with at(f"{self.place}/{named['folder']}/statement.json", oid):
            require(oid is not None, "the node's statement is gone")
            require(len(below) == 1, "a file was added beside it")
            data = self.repo.blob(oid)
            node = opened(data, "node", self.ledger.trust, "started")
            same = node.context == self.job.context and node_folder(node.said) == named["folder"]
            require(same, "another node, replayed here")
            require(sha256(data) == named["envelope"], "not the statement that the job names")
            require(node.sha256 == named["statement"], "not the payload that the job names")
        return node

    def artifacts(self, nodes):
        place, found = f"{ARTIFACTS}{self.night.name}:{bucket(self.name)}", {}
        with at(place):
            if self.night.artifacts is None and nodes:
                raise Wrong("the artifacts are not here: not fetched, or their ref was removed", False)
            oid = self.repo.find(self.night.artifacts, bucket(self.name).encode())[1] if nodes else None
            found = {name.decode(): entry for name, entry in self.repo.tree(oid).items()} if oid else {}
            folders = [node["folder"] for node in self.job.said["nodes"]]
            require(found.keys() <= set(folders), "artifacts of a node that nobody signed")
        for name, node in zip(folders, nodes, strict=True):
            self.artifact(f"{place}/{name}", *found.get(name, (0, None)), node)

    def artifact(self, place, mode, tree, node):
        signed = {name: digest for name, digest in node.subject.items() if name != "artifact"}
        with at(place, tree):
            if tree is None:
                raise self.gone("the artifact")
            require(mode == FOLDER, "not an artifact's folder")
            entries = {name.decode(): entry for name, entry in self.repo.tree(tree).items()}
        for file in sorted(entries.keys() | signed.keys()):
            mode, oid = entries.get(file, (0, None))
            with at(f"{place}/{file}", oid):
                require(oid is not None, "the file is gone")
                require(file in signed and mode == FILE, "not a file that was signed")
                digest = {"sha256": sha256(self.repo.blob(oid))}
                require(digest == signed[file], "its sha256 is not the one that was signed")
        with at(place, tree):
            require(tree == node.subject["artifact"]["gitTree"], "not the tree that was signed")

    def commit(self):
        said, oid = self.job.said, self.job.said["commit"]
        with at(f"commit of {self.name}" if oid else f"{self.place}/job.json", oid):
            require(oid or said["ending"] == "unchanged", "no commit, but something was changed")
            commit = self.ledger.signed_commit(oid, NIGHT) if oid else None
            require(not oid or commit.tree == said["tree"], "its tree is not the one that was signed")
            require(not oid or commit.parents == [said["base"]], "its parent is not the base commit that was signed")
        for ref in (PRS + self.name, FAILED + self.name, f"refs/remotes/origin/pantheon/pr/{self.name}"):
            with at(ref, now := self.refs.get(ref)):  # one that is gone is no fault: the night's chain keeps the commit
                require(now in (None, oid), f"moved: it was {oid} that was signed")

    def note(self, nodes):
        oid, prefix = self.job.said["commit"], own_prefix(self.job.said)
        if oid is None:
            return b""
        with at(f"{NOTES}:{oid}", oid):
            found = self.ledger.note(oid)
            if not found:
                raise self.gone("the note of this job")
            own = b"".join(one for one in found.splitlines(keepends=True) if one.startswith(prefix))
            require(own == (text := job_note(self.job, nodes)), "the note is not what the signed statements say")
        return text

    def metadata(self):
        """People's decisions: each commit of the chain adds one event and is signed by a person."""
        ref, said, oid, later = META + self.name, self.job.said, self.refs.get(META + self.name), None
        own = [self.name, said["night"], self.job.sha256, said["commit"], said["ending"]]
        while oid is not None:
            with at(f"{ref}:meta.json", oid):
                commit = self.ledger.signed_commit(oid, PERSON)
                ((name, (_, blob)),) = self.repo.tree(commit.tree).items()
                data = self.repo.blob(blob)
                try:
                    meta = json.loads(data)
                    again = json.dumps(meta, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
                    same = again.encode("utf-8", "backslashreplace") + b"\n" == data and name == b"meta.json"
                except MALFORMED as error:
                    raise Wrong(f"not metadata that can be read: {error!r}") from error
                require(same, "the metadata is not written as it was signed")
                named = [meta[key] for key in ("job", "night", "entry", "commit", "ending")]
                require(named == own, "the metadata of another job, replayed here")
                events, count = meta["events"], len(meta["events"])
                require(events and int(events[-1]["when"]) == commit.time, "the event is not from when it was signed")
                require(later is None or later[:-1] == events, "events were taken out or put in")
                require(len(commit.parents) == min(count - 1, 1), "not as many commits as events")
            later, oid = events, next(iter(commit.parents), None)


# --- A frozen queue ---------------------------------------------------------------------------------------------------


class Frozen:
    """One commit with queue.jsonl and frozen.json, the envelope about it; a second one adds dropped.json."""

    def __init__(self, ledger, ref, tip):
        self.ledger, self.repo, self.ref, self.tip = ledger, ledger.repo, ref, tip

    def verify(self):
        """Raises Wrong at the first thing that is not what a person signed."""
        statement = self.read(self.ledger.trust)
        for name, (mode, oid) in self.files[0].items():
            with at(f"{self.ref}:{name.decode('utf-8', 'backslashreplace')}", oid):
                require(name in (b"queue.jsonl", b"frozen.json") and mode == FILE, "not a file that was signed")
        for oid in self.chain:
            with at(self.ref, oid):
                self.ledger.signed_commit(oid, PERSON)
        return statement

    def read(self, trust=None):
        with at(self.ref, self.tip):
            parents = self.repo.commit(self.tip).parents
            more = len(parents) > 1 or any(self.repo.commit(one).parents for one in parents)
            require(not more, "more than a freeze")
            self.chain = [*parents, self.tip]
            self.files = [self.repo.tree(self.repo.commit(oid).tree) for oid in self.chain]
        frozen = self.envelope(0, b"frozen.json", "queue-frozen", trust)
        oid = self.files[0].get(b"queue.jsonl", (0, None))[1]
        with at(f"{self.ref}:queue.jsonl", oid):
            require(oid, "the frozen queue is gone")
            self.data = self.repo.blob(oid)
            require(frozen.subject["queue.jsonl"] == {"sha256": sha256(self.data)}, "not the queue that was signed")
            self.lines = [json.loads(one) for one in self.data.splitlines()]
        with at(f"{self.ref}:frozen.json", oid):
            said, head = frozen.said, self.lines[0]
            named = [said["frozen"], said["target"], said["count"], frozen.subject["commit"]["gitCommit"]]
            own = [head["frozen"], head["target"], len(self.lines) - 1, head["commit"]]
            require(named == own, "about another queue")
            require(self.ref == FROZEN + head["frozen"], "another frozen queue, replayed here")
        if len(self.chain) > 1:
            drop = self.envelope(1, b"dropped.json", "queue-dropped", trust)
            with at(f"{self.ref}:dropped.json", self.tip):
                about = (FROZEN + drop.said["frozen"], drop.subject["freeze"])
                require(about == (self.ref, {"gitCommit": self.chain[0]}), "it withdraws another frozen queue")
            for name in sorted(self.files[0].keys() | self.files[1].keys() - {b"dropped.json"}):
                with at(f"{self.ref}:{name.decode('utf-8', 'backslashreplace')}", self.tip):
                    require(self.files[0].get(name) == self.files[1].get(name), "not as it was when it was frozen")
        return frozen

    def envelope(self, number, name, kind, trust):
        mode, oid = self.files[number].get(name, (0, None))
        with at(f"{self.ref}:{name.decode()}", oid):
            require(mode == FILE, "it is gone")
            data = self.repo.blob(oid)
            found = opened(data, kind, trust, "when", PERSON) if trust else Statement(data).parse(kind)
            when = self.repo.commit(self.chain[number]).time
            require(int(found.said["when"]) == when, "not from when it was committed")
        return found


# --- The command ------------------------------------------------------------------------------------------------------


def main(arguments=None, out=None):
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("repository", nargs="?", type=Path, default=Path())
    parser.add_argument("--keys", type=Path, default=home / "pantheon-git/trust/allowed_signers", metavar="FILE")
    parser.add_argument("--at", metavar="OID", help="a head that the ledger once had")
    parser.add_argument("--high-water", type=Path, metavar="FILE", help="JSON, ref to oid, as last verified")
    parser.add_argument("--night", help="only this one")
    parser.add_argument("--json", action="store_true", help="one line for each verdict")
    asked, worst, jobs, out = parser.parse_args(arguments), 0, 0, out or sys.stdout
    ledger = Ledger(Repository(asked.repository), Trust(asked.keys))
    for found in ledger.verify(asked.night, asked.at, asked.high_water):
        jobs += found["job"] is not None
        worst = max(worst, {"incomplete": 1, "tampered": 2}.get(found["kind"], 0))
        if asked.json:
            print(json.dumps(found), file=out)
        elif found["kind"] != "good":
            name = found["job"] or (f"night {found['night']}" if found["night"] else "ledger")
            told = ": ".join(part for part in (name, found["kind"], found["where"], found["problem"]) if part)
            print(told.encode("ascii", "backslashreplace").decode(), file=out)  # nothing that steers a terminal
    ledger.repo.cat.communicate()
    if not asked.json:
        for told in NOT_CHECKED:
            print(f"not checked here: {told}", file=out)
        print("NOT GOOD" if worst else f"good: {jobs} jobs are what was signed", file=out)
    return worst


if __name__ == "__main__":
    sys.exit(main())
