"""Values that mean more than they say, somewhere: to a browser, a template, a chat's template, a terminal, a commit.

What a document says is data. A title or description made of it ends up in pages, feeds, prompts and terminals of
others, so what would be markup there is not taken from a model, and is taken out of what is computed.
"""

from __future__ import annotations

import re

_PATTERNS = {
    "a link": r"\b[a-z][a-z0-9+.-]{1,20}:/{2}|\bwww\.|\]\s?[(\[]|\b(?:javascript|vbscript|data|mailto):(?=\S)",
    "markup": r"</?[a-z!?][^<>]{0,400}>?|&(?:#\w{1,8}|[a-z]{2,12});|```|~~~|!\[|^\s*\[[^\]]{0,200}\]:",
    "a template": r"\{\{|\}\}|\{%|%\}|\{#|#\}|[$#]\{|\$\(|<%|%>|\[\[|\]\]|\{[<>|]",
    "marks of a chat's template": (
        r"<\|?|\|>|\[/?(?:INST|SYS|TOOL_CALLS?|AVAILABLE_TOOLS)\]|\b(?:start|end)_of_turn\b|\bim_(?:start|end)\b"
        r"|^\s*(?:system|assistant|user|human)\s*:|#{2,}\s*(?:system|instruction|response|assistant|user)\b"
    ),
    "a tool call": r"""[{,]\s*["'](?:tool|name|args|arguments|verdict|tool_calls?)["']\s*:""",
    "a line of a ledger": r"\b\d{8}T\d{6}Z\b",
    "a trailer": r"^\s*(?:pantheon-[a-z-]+|[a-z]+(?:-[a-z]+)*-by|change-id)\s*:",
}
_SHAPES = {what: re.compile(pattern, re.IGNORECASE) for what, pattern in _PATTERNS.items()}
_LESS = re.compile(r"<(?=[\s\d=])")
"""A comparison, as in `a < b`."""


def why_unsafe(text: str) -> list[str]:
    """What the text would be to others; empty when it is words."""
    bare = _LESS.sub(" ", text)
    found = [what for what, shape in _SHAPES.items() if shape.search(bare)]
    if not text.isprintable():
        found.append("a character that is not shown")
    return found


def tamed(text: str) -> str:
    """The text without what `why_unsafe` finds in it: the words stay. May be empty."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    for _ in range(8):  # what is taken out may leave another behind: `<scr<b>ipt>`
        if not why_unsafe(line):
            return line
        for shape in _SHAPES.values():
            line = shape.sub(" ", line)
        line = " ".join(line.split())
    return ""
