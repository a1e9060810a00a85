"""Values to try, as Python source: by annotation, default or name of a parameter."""

from __future__ import annotations

import re

KINDS: dict[str, tuple[str, ...]] = {
    "str": ('"foo bar"', '"fooBarBaz"', '"Foo-bar_baz 1.5"', '""', '"a.b.c"', '"a, b; c"', '"  a\\n\\tb  "',
            '"<b>a & b</b>"', '"https://example.com/a/b?x=1&y=2#z"', '"ÅÄÖ ünïcode"', '"1,234.5"', '"2020-02-29"',
            '"1.2.3"', '"{\\"a\\": 1}"', '"aaa"', '"#ff8000"', '"10"', '"a/b/../c.txt"'),
    "int": ("1", "2", "0", "10", "-3", "255", "1234567"),
    "float": ("1.5", "0.0", "-2.25", "1234.5678"),
    "bool": ("True", "False"),
    "bytes": ('b"abc"', 'b""', 'b"\\x00\\xff"'),
    "list": ("[1, 2, 3]", '["a", "b", "a"]', "[]", "[3, [1, [2]]]", '[("a", 1), ("b", 2)]', "[{\"a\": 1}, {\"a\": 2}]"),
    "dict": ('{"a": 1, "b": {"c": 2}}', "{}", '{"foo": "bar"}', '{"x": [1, 2]}'),
    "set": ("{1, 2}", "set()"),
    "tuple": ("(1, 2)", '("a", 1)', "()"),
    "callable": ("len", "lambda value: value", "lambda *values: True", "str"),
    "date": ("datetime.date(2020, 2, 29)", "datetime.datetime(2020, 2, 29, 12, 30)", "datetime.timedelta(days=1)"),
    "path": ('pathlib.PurePosixPath("a/b.txt")', '"a/b.txt"', '"no/such/file"'),
    "pattern": ('"a+"', '"[a-z]+"'),
    "decimal": ('decimal.Decimal("1.50")',),
    "none": ("None",),
    "exception": ('ValueError("no")',),
    "type": ("int", "str"),
}  # fmt: skip
ANY = (*(row[0] for row in KINDS.values()), '""', "0", "[]", "{}", "[1, [2]]", '"42"')

_ANNOTATIONS = (
    (r"str|text|anystr|literalstring", "str"), (r"int|integral|supportsindex", "int"),
    (r"float|real|number|complex", "float"),
    (r"bool", "bool"), (r"bytes|bytearray|buffer|readablebuffer", "bytes"),
    (r"list|sequence|iterable|iterator|collection|mutablesequence|sized|reversible", "list"),
    (r"dict|mapping|mutablemapping|ordereddict", "dict"), (r"set|frozenset|abstractset", "set"), (r"tuple", "tuple"),
    (r"callable", "callable"), (r"date|datetime|timedelta|time", "date"), (r"path|pathlike|purepath|strpath", "path"),
    (r"pattern", "pattern"), (r"decimal", "decimal"), (r"none", "none"), (r"exception|baseexception", "exception"),
    (r"type", "type"),
)  # fmt: skip
_WORDS = {
    "str": "s st string text value word line name title key sep separator prefix suffix pattern template source msg "
    "message label slug token delimiter content data input url uri html xml json expr expression query code version "
    "encoding chars char singular plural phrase sentence term domain email host address",
    "int": "n num number count size limit length index idx start end begin stop min max width height depth level step "
    "base k m i j x y a b digits precision seconds minutes hours days year month day times chunk_size chunksize "
    "maxsize",
    "float": "float ratio percent ratio amount value",
    "list": "iterable it items seq sequence lst list values elements args strings words lines numbers array arr xs "
    "rows iterables elems l",
    "dict": "d dct dict mapping obj options config data record kwargs params map",
    "callable": "func fn function f callback predicate pred key keyfunc transform mapper filter",
    "path": "path filename file filepath fname directory dir folder",
    "date": "date dt datetime time when timestamp now",
    "bytes": "buffer buf bytes chunk raw",
    "bool": "flag strict reverse ignore_case",
    "pattern": "regex pattern",
}
_NAMES = {kind: frozenset(words.split()) for kind, words in _WORDS.items()}


def of_annotation(text: str) -> list[str]:
    """The kinds that an annotation names, in its order."""
    words = re.findall(r"[A-Za-z_]\w*", text)
    found = [kind for word in words for pattern, kind in _ANNOTATIONS if re.fullmatch(pattern, word.lower())]
    return list(dict.fromkeys(found))


def elements(text: str) -> list[str]:
    """Lists of what a `list[X]` or `Iterable[X]` should hold; empty where the annotation does not say."""
    match = re.match(r"(?:\w+\.)?(?:[Ll]ist|Sequence|Iterable|Iterator|Collection)\[(.+)\]$", text)
    kinds = of_annotation(match[1]) if match else []
    row = KINDS[kinds[0]] if kinds else ()
    return [f"[{', '.join(row[:3])}]", f"[{row[0]}]", "[]"] if row else []


def of_name(name: str) -> list[str]:
    plain = name.strip("_").lower()
    last = plain.rpartition("_")[2]
    found = [kind for kind, words in _NAMES.items() if plain in words or last in words]
    if not found and plain.endswith("s") and len(plain) > 2:
        found = ["list"]
    if plain.startswith(("is_", "has_", "use_", "allow_", "with_", "keep_")):
        found = ["bool"]
    return found


def of_default(text: str) -> list[str]:
    """Values of a default's own kind, other than the default itself."""
    if re.fullmatch(r"[rbu]?(['\"]).*\1", text, re.DOTALL):
        return ['"x"', '"--"', '""']
    if re.fullmatch(r"-?[\d_]+", text):
        return [one for one in ("1", "2", "5", "0") if one != text]
    if re.fullmatch(r"-?[\d_.]+(e-?\d+)?", text):
        return ["0.5", "2.0"]
    if text in ("True", "False"):
        return ["False" if text == "True" else "True"]
    return {"()": ["(1, 2)"], "[]": ["[1, 2]"], "{}": ['{"a": 1}']}.get(text, [])


def mixed(kinds: list[str], most: int) -> list[str]:
    rows = [KINDS[kind] for kind in kinds]
    found = [row[number] for number in range(max(map(len, rows), default=0)) for row in rows if number < len(row)]
    return list(dict.fromkeys(found))[:most]


def of_error(message: str) -> list[str]:
    """The kinds that a refusal asks for."""
    words = re.split(r"\b(?:got|not|received|but)\b", message.lower())
    return of_annotation(words[0]) + of_annotation(re.sub(r"\bstring\b", "str", words[0]))
