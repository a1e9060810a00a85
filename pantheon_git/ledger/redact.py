"""Secrets are taken out of everything before it is signed or written: artifacts, reasons, titles, breadcrumbs.

What was taken out is signed too: how many of which kind in which file, never the string. Not seen are secrets that look
like nothing (a short password in a sentence), that are compressed or encrypted, or that are cut in pieces by anything
but line breaks and the usual escapes.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pantheon_git.ledger import disguise
from pantheon_git.ledger.records import NodeResult
from pantheon_git.spec.secrets import Found, find, find_shapes

REDACTED = "redacted"
"""Key in a statement's details (of a node) or summary (of a job): file → kind → how many."""
_DEPTH = 2
"""Encodings within encodings that are looked through."""
_PIECE = 20
"""Characters from which on a line of a secret, a key's say, is known again by itself."""
_LITERAL = re.compile(rb"^literal \d+\n((?:[A-Za-z].*\n)+)", re.MULTILINE)
"""A block of a binary patch (git: diff.c)."""
Counts = dict[str, int]


@dataclass
class Redactor:
    """Redacts, and remembers what it has taken out, so that the same string is known where it stands alone."""

    known: dict[str, str] = field(default_factory=dict)
    """Secret, or a long line of one, → its kind. In memory only."""

    def node(self, result: NodeResult) -> NodeResult:
        """The node without secrets in files, reason and details; what was done is in the details, as `redacted`."""
        told = json.dumps([result.reason, dict(result.predicate)], ensure_ascii=False, default=str)
        if not self.learn([*result.files.values(), told.encode("utf-8", "backslashreplace")]):
            return result
        files, counts = {}, {}
        for name, data in result.files.items():
            files[name], found = self.file(name, data)
            if found:
                counts[name] = found
        (reason, details), said = self.values([result.reason, dict(result.predicate)])
        if said:
            counts["statement.json"] = said
        if not counts:
            return result
        return replace(result, files=files, reason=reason, predicate={**details, REDACTED: counts})

    def learn(self, texts: Iterable[bytes]) -> bool:
        """Look first through all that belongs together: one file may show whole what another shows cut. Returns
        whether anything has to be redacted."""
        return sum(bool(self.holds(data)) for data in texts) > 0  # each is to be looked at

    def data(self, data: bytes) -> tuple[bytes, Counts]:
        """The bytes with `[redacted: KIND]` in place of each secret, and how many of each kind."""
        data, counts = _binary_blocks(data, self.holds)
        text = data.decode("latin-1")
        parts, at = [], 0
        for start, end, kind in _merged(_spans(text, self.known, _DEPTH)):
            parts += [text[at:start], f"[redacted: {kind}]"]
            counts[kind] += 1
            at = end
        if not parts:
            return data, dict(counts)
        return "".join([*parts, text[at:]]).encode("latin-1"), dict(counts)

    def file(self, name: str, data: bytes) -> tuple[bytes, Counts]:
        """As `data`; JSON stays JSON."""
        if not name.endswith((".json", ".jsonl")):
            return self.data(data)
        lines = data.splitlines(keepends=True) if name.endswith(".jsonl") else [data]
        done = [self._json(line) for line in lines]
        counts: Counter[str] = Counter()
        for _, found in done:
            counts.update(found)
        return b"".join(line for line, _ in done), dict(counts)

    def _json(self, data: bytes) -> tuple[bytes, Counts]:
        try:
            value = json.loads(data)
        except ValueError:
            return self.data(data)
        value, counts = self.values(value)
        if counts:
            data = _dump(value, indent=1 if data.count(b"\n") > 1 else None)
        again, more = self.data(data)  # parts that only the whole shows: a key in a list of lines
        try:
            json.loads(again)
        except ValueError:
            again = _dump({REDACTED: more}, None)
        return again, dict(Counter(counts) + Counter(more))

    def text(self, text: str) -> tuple[str, Counts]:
        """As `data`."""
        data, counts = self.data(text.encode("utf-8", "surrogatepass"))
        return (data.decode("utf-8", "surrogatepass"), counts) if counts else (text, counts)

    def values(self, value: Any) -> tuple[Any, Counts]:
        """JSON with every string in it redacted, keys too."""
        counts: Counter[str] = Counter()

        def clean(value: Any) -> Any:
            if isinstance(value, str):
                value, found = self.text(value)
                counts.update(found)
                return value
            if isinstance(value, Mapping):
                return {clean(key): self._beside(key, item, clean) for key, item in value.items()}
            if isinstance(value, (list, tuple)):
                return [clean(item) for item in value]
            return value

        return clean(value), dict(counts)

    def _beside(self, key: Any, item: Any, clean: Callable[[Any], Any]) -> Any:
        """A value under a name such as `password`: the two make an assignment only together."""
        if not isinstance(item, str):
            return clean(item)
        found = [one for one in find(f'"{key}": "{item}"') if one.end > len(str(key)) + 4]
        for one in found:
            start = one.start - len(str(key)) - 5
            if start >= 0:
                _learn(self.known, item[start : one.end - len(str(key)) - 5], one.kind)
        return clean(item)

    def holds(self, data: bytes) -> str:
        """The kind of the first secret in the bytes, or nothing; all of them are learned."""
        _, packed = _binary_blocks(data, self.holds) if b"GIT binary patch" in data else (data, Counter[str]())
        kinds = [*packed, *(kind for _, _, kind in _spans(data.decode("latin-1"), self.known, _DEPTH))]
        return kinds[0] if kinds else ""


def _spans(text: str, known: dict[str, str], depth: int) -> Iterator[tuple[int, int, str]]:
    """Start, end and kind of everything to be taken out of `text`, in any order; what is found is learned."""
    for found in find(text):
        _learn(known, text[found.start : found.end], found.kind)
        yield found.start, found.end, found.kind
    yield from _known_spans(text, known)
    for view, look, deep in _views(text):
        for found in look(view.text):
            _learn(known, view.text[found.start : found.end], found.kind)
            yield *view.back(found.start, found.end), found.kind
        for start, end, kind in _known_spans(view.text, known):
            yield *view.back(start, end), kind
        if depth and deep:
            for start, end, kind in _encoded_spans(view.text, known, depth):
                yield *view.back(start, end), kind
    if depth:
        yield from _encoded_spans(text, known, depth)


def _views(text: str) -> Iterator[tuple[disguise.View, Callable[[str], Iterator[Found]], bool]]:
    """Other readings of a text, how to look at each, and whether it may hold encoded parts. Of words joined over line
    breaks only shapes are looked for: chance joins words too."""
    if (plain := disguise.unescaped(text)) is not None:
        yield plain, find, True
    if (narrow := disguise.narrow(text)) is not None:
        yield narrow, find, True
    for joined in disguise.unwrapped(text):
        yield joined, find_shapes, False


def _encoded_spans(text: str, known: dict[str, str], depth: int) -> Iterator[tuple[int, int, str]]:
    for start, end, content in disguise.encoded(text):
        kind = next((kind for _, _, kind in _spans(content, known, depth - 1)), "")
        if kind:
            yield start, end, kind


def _known_spans(text: str, known: Mapping[str, str]) -> Iterator[tuple[int, int, str]]:
    for secret, kind in known.items():
        at = text.find(secret)
        while at >= 0:
            yield at, at + len(secret), kind
            at = text.find(secret, at + len(secret))


def _learn(known: dict[str, str], secret: str, kind: str) -> None:
    for piece in re.split(r"[\s\"',>|#]+|\\n", secret):
        if len(piece) >= _PIECE and "PRIVATE KEY" not in piece:
            known.setdefault(piece, kind)


def _dump(value: Any, indent: int | None) -> bytes:
    return (json.dumps(value, indent=indent, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")


def _merged(spans: Iterable[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Without overlaps, in order; the first kind names the whole."""
    done: list[tuple[int, int, str]] = []
    for start, end, kind in sorted(spans):
        if done and start < done[-1][1]:
            done[-1] = (done[-1][0], max(end, done[-1][1]), done[-1][2])
        else:
            done.append((start, end, kind))
    return done


def _binary_blocks(data: bytes, kind_of: Callable[[bytes], str]) -> tuple[bytes, Counter[str]]:
    """Blocks of a binary patch whose content holds a secret are left out whole."""
    counts: Counter[str] = Counter()

    def clean(match: re.Match[bytes]) -> bytes:
        try:
            digits = b"".join(line[1:] for line in match[1].splitlines())
            kind = kind_of(zlib.decompressobj().decompress(base64.b85decode(digits)))
        except (ValueError, zlib.error, binascii.Error):
            return match.group()  # no such block, only a line that begins like one
        if not kind:
            return match.group()
        counts[kind] += 1
        return f"[redacted: {kind}]\n".encode()

    return (_LITERAL.sub(clean, data), counts) if b"GIT binary patch" in data else (data, counts)
