"""Strings that look like secrets: in lines that a job adds (the gate), in whatever the ledger keeps (redaction).

Shapes as their issuers document them and as gitleaks' default rules have them
(https://github.com/gitleaks/gitleaks/blob/master/config/gitleaks.toml, MIT). A short list on purpose: a false alarm
stops a job, and a document about keys is an ordinary document.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

SHAPES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(shape, re.ASCII))
    for name, shape in (
        ("AWS access key", r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b"),
        ("GitHub token", r"\bgh[pousr]_[A-Za-z0-9]{36,}\b|\bgithub_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}\b"),
        ("GitLab token", r"\bgl(?:pat|dt|rt|ptt|cbt|agent)-[A-Za-z0-9_-]{20,}"),
        ("Slack token", r"\bxox[abeoprs]-[0-9]{8,}-[0-9A-Za-z-]{10,}|\bxapp-1-[A-Z0-9]{8,}-[0-9]{8,}-[0-9a-z]{32,}"),
        ("Slack webhook", r"hooks\.slack\.com/services/T[A-Z0-9]{6,}/B[A-Z0-9]{6,}/[A-Za-z0-9]{20,}"),
        ("Google API key", r"\bAIza[0-9A-Za-z_-]{35}(?![0-9A-Za-z_-])"),
        ("Google OAuth secret", r"\bGOCSPX-[0-9A-Za-z_-]{28}(?![0-9A-Za-z_-])"),
        ("Stripe live key", r"\b[rs]k_live_[0-9A-Za-z]{16,}\b"),
        ("npm token", r"\bnpm_[A-Za-z0-9]{36}\b"),
        ("PyPI token", r"\bpypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,}"),
        ("Anthropic key", r"\bsk-ant-[A-Za-z0-9_-]{32,}"),
        ("OpenAI key", r"\bsk-(?:[a-z]+-)?[A-Za-z0-9_-]{20,}T3BlbkFJ[A-Za-z0-9_-]{20,}"),
        ("Hugging Face token", r"\bhf_[A-Za-z]{34}\b"),
        ("SendGrid key", r"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])"),
        ("DigitalOcean token", r"\bdo[opr]_v1_[0-9a-f]{64}\b"),
        ("Shopify token", r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}\b"),
        ("Telegram token", r"\b[0-9]{8,10}:AA[A-Za-z0-9_-]{33}(?![A-Za-z0-9_-])"),
        ("Docker token", r"\bdckr_(?:pat|oat)_[A-Za-z0-9_-]{27,}"),
        ("Azure storage key", r"\bAccountKey=[A-Za-z0-9+/]{86}=="),
        ("age key", r"\bAGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}\b"),
        ("JSON web token", r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,}"),
        ("credentials in a URL", r"://[^\s:/@'\"<>\[\]{}$]{1,64}:(?P<value>[^\s:/@'\"<>\[\]{}$]{6,128})@[\w.-]+"),
    )
)  # fmt: skip
"""Kind and shape; where a shape has a group `value`, that part alone is the secret."""
_HINTS: Mapping[str, tuple[str, ...]] = {
    "AWS access key": ("AKIA", "ASIA", "ABIA", "ACCA"),
    "GitHub token": ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
    "GitLab token": ("glpat-", "gldt-", "glrt-", "glptt-", "glcbt-", "glagent-"),
    "Slack token": ("xox", "xapp-"),
    "Slack webhook": ("hooks.slack.com",),
    "Google API key": ("AIza",),
    "Google OAuth secret": ("GOCSPX-",),
    "Stripe live key": ("k_live_",),
    "npm token": ("npm_",),
    "PyPI token": ("pypi-",),
    "Anthropic key": ("sk-ant-",),
    "OpenAI key": ("T3BlbkFJ",),
    "Hugging Face token": ("hf_",),
    "SendGrid key": ("SG.",),
    "DigitalOcean token": ("_v1_",),
    "Shopify token": ("shp",),
    "Telegram token": (":AA",),
    "Docker token": ("dckr_",),
    "Azure storage key": ("AccountKey=",),
    "age key": ("AGE-SECRET-KEY-1",),
    "JSON web token": (".eyJ",),
    "credentials in a URL": ("://",),
}
"""One of these stands in each string of the kind."""
_SHAPE = dict(SHAPES)
_KINDS = tuple((hint, name) for name, hints in _HINTS.items() for hint in hints)
_HEADER = re.compile(r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY(?: BLOCK)?-----(?=\s*$|\\n|\s+[A-Za-z0-9+/=]{16})")
"""Of a private key, in one line."""
_BEGIN, _END = (rf"-----{word} (?:[A-Z]+ )?PRIVATE KEY(?: BLOCK)?-----" for word in ("BEGIN", "END"))
_BETWEEN = r"[\s+>|#\"',-]*"
"""What a diff, a quotation, YAML or a program puts around the lines."""
_FIELDS = rf"(?:{_BETWEEN}[A-Z][A-Za-z-]+:[^\n]*\n)*"
_BLOCK = re.compile(
    rf"{_BEGIN}(?={_FIELDS}{_BETWEEN}[A-Za-z0-9+/=]{{16}})"
    rf"(?:(?:(?!-----BEGIN )[\s\S]){{16,20000}}?{_END}|{_FIELDS}(?:{_BETWEEN}[A-Za-z0-9+/=]{{16,}})+)"
)
"""A whole private key, or one whose end was cut off."""
_TAIL = re.compile(rf"(?:[A-Za-z0-9+/=]{{40,}}{_BETWEEN})+(?:[A-Za-z0-9+/=]+{_BETWEEN})?{_END}")
"""What is left of one whose beginning was cut off."""
_ASSIGNMENT = re.compile(
    r"""(?:key|token|secret|passw(?:or)?d|passphrase|credentials?)["']?
        \s*(?::=|=>|[:=])\s*
        (?P<quote>["'`]?)(?P<value>[A-Za-z0-9+/_=.~!@\#%^&*-]{16,128})(?P=quote)(?=[\s,;)}\]"'`<\\]|$)""",
    re.IGNORECASE | re.VERBOSE,
)
_NAMES = ("key", "token", "secret", "passw", "passphrase", "credential")
"""How each assignment begins."""
_SHORTEST = 13
"""Characters: no secret that is known here is shorter with what belongs to it (a URL: `://a:123456@b`)."""
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


@dataclass(frozen=True)
class Found:
    start: int
    end: int
    kind: str


def find(text: str) -> Iterator[Found]:
    """Every secret-looking part of a text of any number of lines; parts may overlap."""
    if len(text) < _SHORTEST:
        return
    for shape in (_BLOCK, _TAIL) if "PRIVATE KEY" in text else ():
        for match in shape.finditer(text):
            if not _LEFT_OUT.search(match.group()):
                yield Found(match.start(), match.end(), "private key")
    yield from find_shapes(text)
    for match in _assignments(text):
        if _is_value(match):
            yield Found(match.start("value"), match.end("value"), "value that looks like a secret")


def _assignments(text: str) -> Iterator[re.Match[str]]:
    """Every match of the pattern, tried only where a name stands: a tenth of the time of a search."""
    folded = text.casefold()  # as the pattern has it, that heeds no case
    if len(folded) != len(text):
        yield from _ASSIGNMENT.finditer(text)
        return
    places = []
    for name in _NAMES:
        at = folded.find(name)
        while at >= 0:
            places.append(at)
            at = folded.find(name, at + 1)
    end = 0
    for at in sorted(places):
        if at >= end and (match := _ASSIGNMENT.match(text, at)):
            end = match.end()
            yield match


def find_shapes(text: str) -> Iterator[Found]:
    """Those that are known by their issuer's own shape."""
    if len(text) < _SHORTEST:
        return
    for name in dict.fromkeys(
        name for hint, name in _KINDS if hint in text
    ):  # twenty times as fast as the patterns themselves
        shape = _SHAPE[name]
        part = "value" if "value" in shape.groupindex else 0
        for match in shape.finditer(text):
            if _is_real(name, match.group(part)):
                yield Found(match.start(part), match.end(part), name)


def find_secrets(lines: Sequence[bytes]) -> Iterator[tuple[int, str]]:
    """Number in `lines` (from 1) and what it looks like; never the string itself, which ends up in signed records."""
    for number, line in enumerate(lines, 1):
        what = looks_like(line.decode("utf-8", "replace"))
        below = lines[number].decode("utf-8", "replace") if number < len(lines) else ""
        if what and not (what == "private key" and _LEFT_OUT.search(below)):
            yield number, what


def looks_like(line: str) -> str:
    """What kind of secret the line seems to hold, or an empty string."""
    if (head := _HEADER.search(line)) and len(set(head.group()[8:])) > 4:
        return "private key"
    return next((found.kind for found in find(line)), "")


def _is_real(kind: str, value: str) -> bool:
    """Not what documents put in a secret's place."""
    if kind == "credentials in a URL":
        return not _PLACEHOLDER.search(value) and len(set(value)) > 4
    return not value.upper().endswith("EXAMPLE") and len(set(value[8:])) > 4


def _is_value(match: re.Match[str]) -> bool:
    value = match["value"]
    if not match["quote"] and _CODE.fullmatch(value):
        return False
    return _random(value) and not _PLACEHOLDER.search(value)


def _random(value: str) -> bool:
    """Letters and digits mixed as chance mixes them: not words, not a version, not a number."""
    letters = sum(char.isalpha() for char in value)
    digits = sum(char.isdigit() for char in value)
    return letters >= 4 and digits >= 2 and entropy(value) >= MIN_BITS


def entropy(text: str) -> float:
    """Bits per character, −Σ p log₂ p over the characters' own frequencies (Shannon 1948)."""
    counts = Counter(text)
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values())
