"""Values to try, as source text: by the kind that a parameter's type, default or name suggests."""

from __future__ import annotations

import re

STRINGS = (
    "'foo bar'", "'fooBarBaz'", "'Foo-bar_baz 1.5'", "''", "'a.b.c'", "'<b>a & \"b\"</b>'", "'  a\\n\\tb  '",
    "'\\u001B[31mred\\u001B[39m plain'", "'https://example.com/a/b?x=1&y=2#z'", "'a/b/../c.txt'", "'ÅÄÖ ünïcode 🦄'",
    "'{\"a\": 1, /* b */ \"c\": [2]} // d'", "'1,234.5'", "'2020-02-29T12:30:00Z'", "'1.2.3'", "'#ff8000'", "'aaa'",
)  # fmt: skip
NUMBERS = ("1", "2", "0", "10", "-1.5", "1234567", "1337.5", "255", "Number.NaN")
BOOLEANS = ("true", "false")
ARRAYS = ("[1, 2, 3]", "['a', 'b', 'a']", "[]", "[3, [1, [2]]]", "[{a: 1}, {a: 2}]", "[0, '', null, 'x']")
OBJECTS = ("{a: 1, b: {c: 2}}", "{}", "{foo: 'bar', baz: [1, 2]}", "{a: undefined, b: null, c: ''}")
FUNCTIONS = ("x => x", "() => true", "(a, b) => b", "x => x * 2", "async x => x", "() => false")
DATES = ("new Date('2020-02-29T12:30:00Z')", "new Date(0)")
REGEXPS = ("/a(b)?/g", "/./u")
MAPS = ("new Map([['a', 1], ['b', 2]])", "new Map()")
SETS = ("new Set([1, 2])", "new Set()")
BYTES = ("Buffer.from('abc')", "new Uint8Array([1, 2, 3])", "Buffer.alloc(0)")
STREAMS = (
    "new PassThrough()",
    "Readable.from(['a', 'b'])",
    "new Writable({write() {}})",
    "new Duplex({read() {}, write() {}})",
)
PROMISES = ("Promise.resolve(1)", "Promise.reject(new Error('no'))")
ERRORS = ("new Error('foo')", "new TypeError('bar')")
SYMBOLS = ("Symbol.iterator",)
NOTHING = ("undefined", "null")
URLS = ("new URL('https://example.com/a?b=1')",)
FILES = ("'package.json'", "'no/such/file.txt'", "'/foo/bar.txt'")
FOLDERS = ("'/foo/bar'", "'no/such/folder'")
SIGNALS = ("AbortSignal.abort()", "new AbortController().signal")
ITERABLES = ("[1, 2, 3]", "new Set(['a', 'b'])", "'abc'", "[Promise.resolve(1), 2]", "[]")

KINDS = {
    "string": STRINGS, "number": NUMBERS, "boolean": BOOLEANS, "array": ARRAYS, "object": OBJECTS,
    "function": FUNCTIONS, "date": DATES, "regexp": REGEXPS, "map": MAPS, "set": SETS, "bytes": BYTES,
    "stream": STREAMS, "promise": PROMISES, "error": ERRORS, "symbol": SYMBOLS, "url": URLS, "file": FILES,
    "folder": FOLDERS, "signal": SIGNALS, "iterable": ITERABLES, "nothing": NOTHING,
}  # fmt: skip

ANY = (*(row[0] for row in KINDS.values()), "''", "0", "false", "{}", "[]", "null", "[1, [2]]", "'42'", "42")
"""One value of each kind, and the empty ones."""

_WORDS = {
    "string": "str string text input value line word name title key path separator prefix suffix pattern css html "
    "markdown message char chars character characters template source code query selector label slug token hash id "
    "locale encoding json content data version date",
    "url": "url href link uri address host hostname",
    "file": "file filename filepath from to glob",
    "folder": "directory dir cwd folder root execpath",
    "number": "n num number count size limit length index start end begin min max maximum minimum ms milliseconds "
    "seconds bytes concurrency times width height depth level amount radix port x y a b step retries delay timeout "
    "position offset precision percent percentage code",
    "array": "arr array items list elements values entries keys args arguments strings files paths collection",
    "iterable": "iterable iterator input promises collection",
    "object": "obj object opts options config configuration settings record source target map dictionary properties",
    "function": "fn func function callback cb mapper predicate tester iteratee compare comparator listener handler "
    "action filter reducer transform transformer factory getter method task",
    "date": "date time timestamp now",
    "regexp": "re reg regex regexp pattern",
    "bytes": "buffer bytes data chunk array",
    "stream": "stream readable writable input output",
    "promise": "promise thenable input",
    "error": "err error exception reason",
    "boolean": "enabled condition flag",
    "signal": "signal abortsignal",
}
_NAMES = {kind: frozenset(words.split()) for kind, words in _WORDS.items()}
_SHAPES = (
    ("function", r"on[A-Z]\w*|\w+(er|Fn|Function|Callback)"),
    ("boolean", r"(is|has|should)[A-Z]\w*"),
    ("bytes", r"\w+Array"),
    ("array", r"\w{2,}s"),
)


def kinds_of_name(name: str) -> list[str]:
    """The kinds that a parameter's name suggests, in the order of the table."""
    plain = name.strip("_")
    if not plain:
        return []
    last = re.split(r"(?<=[a-z0-9])(?=[A-Z])|_", plain)[-1].lower()
    found = [kind for kind, words in _NAMES.items() if plain.lower() in words or last in words]
    return list(dict.fromkeys([*found, *(kind for kind, shape in _SHAPES if re.fullmatch(shape, plain))]))


def kinds_of_error(message: str) -> list[str]:
    """The kinds that a refusal asks for: "Expected a string, got number"."""
    asked = re.split(r"\b(?:got|received|but|instead of)\b", message.lower())[0]
    words = {
        "string": "string", "number": "number|integer|finite|numeric", "boolean": "boolean", "array": "array",
        "function": "function|callback", "object": r"object|options", "date": "date", "regexp": "regexp?|regular",
        "iterable": "iterable", "promise": "promise", "stream": "stream", "map": r"\bmap\b", "set": r"\bset\b",
        "bytes": "buffer|uint8array|typed", "symbol": "symbol", "url": r"\burl\b", "error": r"instance of error",
        "signal": "signal",
    }  # fmt: skip
    return [kind for kind, pattern in words.items() if re.search(pattern, asked)]


def mixed(kinds: list[str], most: int) -> list[str]:
    """Values of the kinds in turn, best kind first, each once."""
    rows = [KINDS[kind] for kind in kinds if kind in KINDS]
    found = [row[number] for number in range(max(map(len, rows), default=0)) for row in rows if number < len(row)]
    return list(dict.fromkeys(found))[:most]
