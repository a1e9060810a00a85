"""A piece of code that calls a module, and the names that it may use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

HELPERS: Mapping[str, str] = {
    "path": "import path from 'node:path';",
    "fs": "import fs from 'node:fs';",
    "os": "import os from 'node:os';",
    "url": "import url from 'node:url';",
    "process": "import process from 'node:process';",
    "Buffer": "import {Buffer} from 'node:buffer';",
    "EventEmitter": "import {EventEmitter} from 'node:events';",
    "PassThrough": "import {PassThrough} from 'node:stream';",
    "Readable": "import {Readable} from 'node:stream';",
    "Writable": "import {Writable} from 'node:stream';",
    "Duplex": "import {Duplex} from 'node:stream';",
    "Transform": "import {Transform} from 'node:stream';",
}
"""Names of Node.js's own modules that a test may use, each with its import. `probe.mjs` knows the same."""

GLOBALS = frozenset(
    [
        "AbortController",
        "AbortSignal",
        "AggregateError",
        "Array",
        "ArrayBuffer",
        "BigInt",
        "Blob",
        "Boolean",
        "DataView",
        "Date",
        "DOMException",
        "Error",
        "EvalError",
        "Event",
        "EventTarget",
        "Float32Array",
        "Float64Array",
        "Function",
        "Infinity",
        "Int16Array",
        "Int32Array",
        "Int8Array",
        "Intl",
        "JSON",
        "Map",
        "Math",
        "NaN",
        "Number",
        "Object",
        "Promise",
        "Proxy",
        "RangeError",
        "ReferenceError",
        "Reflect",
        "RegExp",
        "Set",
        "String",
        "Symbol",
        "SyntaxError",
        "TextDecoder",
        "TextEncoder",
        "TypeError",
        "URIError",
        "URL",
        "URLSearchParams",
        "Uint16Array",
        "Uint32Array",
        "Uint8Array",
        "Uint8ClampedArray",
        "WeakMap",
        "WeakRef",
        "WeakSet",
        "clearInterval",
        "clearTimeout",
        "decodeURIComponent",
        "encodeURIComponent",
        "globalThis",
        "isFinite",
        "isNaN",
        "parseFloat",
        "parseInt",
        "queueMicrotask",
        "setImmediate",
        "setInterval",
        "setTimeout",
        "structuredClone",
        "undefined",
    ]
)

RECORD = "(...values) => {\n\tcalls.push(values);\n}"
"""A callback that writes down what it is called with, in `calls`."""

ORIGINS = ("readme", "example", "usage", "typed", "kind", "guess", "wrong")
"""Where a call comes from, the most telling first: the README, an example in a comment, another file of the repository,
declared types, the kind that a name suggests, values of every kind, and values that should be refused."""


@dataclass(frozen=True)
class Candidate:
    expr: str
    """The expression whose value is looked at; a promise is awaited."""
    uses: tuple[str, ...]
    """Exports that it touches."""
    origin: str
    setup: str = ""
    """Statements before it, one a line."""
    then: str = ""
    """An expression that is looked at afterwards: what a callback received, an object that was handed over."""
    after: str = ""
    """Statements between the two."""
    alone: bool = False
    """It has to run in a process of its own."""
    group: str = field(default="", compare=False)
    """Export or `Class.method` that it is about."""

    @property
    def key(self) -> tuple[str, str, str, str]:
        return (self.setup, self.expr, self.after, self.then)


@dataclass(frozen=True)
class Assertion:
    """Statements of a test that hold for what a candidate came to."""

    candidate: Candidate
    lines: tuple[str, ...]
    """Statements without the set-up."""
    waits: bool
    """Whether it holds an `await`."""
    kind: str
    """`value`, `shape` (only what kind of thing it is) or `error`."""
    shown: str
    """The expected value's source text, or the error's type: no two assertions about one function need the same."""
    native: bool = False
    """An error whose message is the language's own, which changes from version to version."""
