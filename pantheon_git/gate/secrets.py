"""Strings that look like secrets, in lines that a job adds.

Shapes as their issuers document them and as gitleaks' default rules have them
(https://github.com/gitleaks/gitleaks/blob/master/config/gitleaks.toml, MIT). A short list on purpose: a false alarm
stops a job, and a document about keys is an ordinary document.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence

SHAPES: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "private key",
        re.compile(r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY(?: BLOCK)?-----(?=\s*$|\\n|\s+[A-Za-z0-9+/=]{16})"),
    ),
    ("AWS access key", re.compile(r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b")),
    ("GitHub token", re.compile(r"\bgh[pousr]_[A-Za-z0-9]{36,}\b|\bgithub_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}\b")),
    ("GitLab token", re.compile(r"\bglpat-[A-Za-z0-9_-]{20,}")),
    ("Slack token", re.compile(r"\bxox[abeoprs]-[0-9]{8,}-[0-9A-Za-z-]{10,}")),
    ("Slack webhook", re.compile(r"hooks\.slack\.com/services/T[A-Z0-9]{6,}/B[A-Z0-9]{6,}/[A-Za-z0-9]{20,}")),
    ("Google API key", re.compile(r"\bAIza[0-9A-Za-z_-]{35}\b")),
    ("Stripe live key", re.compile(r"\b[rs]k_live_[0-9A-Za-z]{16,}\b")),
    ("npm token", re.compile(r"\bnpm_[A-Za-z0-9]{36}\b")),
    ("PyPI token", re.compile(r"\bpypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,}")),
    ("Anthropic key", re.compile(r"\bsk-ant-[A-Za-z0-9_-]{32,}")),
    ("OpenAI key", re.compile(r"\bsk-(?:proj-)?[A-Za-z0-9_-]{20,}T3BlbkFJ[A-Za-z0-9_-]{20,}")),
)
_ASSIGNMENT = re.compile(
    r"""(?:api|auth|access|client|private|signing|encryption)?[_-]?
        (?:key|token|secret|passw(?:or)?d|passphrase|credentials?)["']?
        \s*(?::=|=>|[:=])\s*
        (?P<quote>["'`]?)(?P<value>[A-Za-z0-9+/_=.~!@\#%^&*-]{16,128})(?P=quote)(?=[\s,;)}\]]|$)""",
    re.IGNORECASE | re.VERBOSE,
)
_PLACEHOLDER = re.compile(
    r"example|sample|dummy|fake|test|your|my[_-]|change|replace|insert|placeholder|secret|token|password|key|todo|redacted"
    r"|x{4}|\*{3}|\.{3}|1234|abcd|0000|://|^[./~]|\.(?:com|org|io|net|md|json|ya?ml|toml|pem|txt|html?)\b",
    re.IGNORECASE,
)
MIN_BITS = 3.7
"""Shannon entropy per character. Gitleaks takes 3.5; 20 characters of random base 64 have about 4, words 3 to 3.5."""


_LEFT_OUT = re.compile(r"\.\.\.|…|<|\bYOUR\b", re.IGNORECASE)
"""In the line below a key's header: a document that shows where the key would stand."""
_CODE = re.compile(r"[A-Za-z_]\w*(?:\.\w+)+|[A-Za-z]*_\w+|[a-z]+(?:[A-Z][a-z]+)+\d*")
"""Without quotes these are names in a program, not values."""


def find_secrets(lines: Sequence[bytes]) -> Iterator[tuple[int, str]]:
    """Number in `lines` (from 1) and what it looks like; never the string itself, which ends up in signed records."""
    for number, line in enumerate(lines, 1):
        what = looks_like(line.decode("utf-8", "replace"))
        below = lines[number].decode("utf-8", "replace") if number < len(lines) else ""
        if what and not (what == "private key" and _LEFT_OUT.search(below)):
            yield number, what


def looks_like(line: str) -> str:
    """What kind of secret the line seems to hold, or an empty string."""
    for name, shape in SHAPES:
        for found in shape.finditer(line):
            if not found.group().upper().endswith("EXAMPLE") and len(set(found.group()[8:])) > 4:
                return name
    for found in _ASSIGNMENT.finditer(line):
        value = found["value"]
        if not found["quote"] and _CODE.fullmatch(value):
            continue
        if _random(value) and not _PLACEHOLDER.search(value):
            return "value that looks like a secret"
    return ""


def _random(value: str) -> bool:
    """Letters and digits mixed as chance mixes them: not words, not a version, not a number."""
    letters = sum(char.isalpha() for char in value)
    digits = sum(char.isdigit() for char in value)
    return letters >= 4 and digits >= 2 and entropy(value) >= MIN_BITS


def entropy(text: str) -> float:
    """Bits per character, −Σ p log₂ p over the characters' own frequencies (Shannon 1948)."""
    counts = Counter(text)
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values())
