"""Fixed English rewriting rules: what a sentence says that a document, a function or a product does for the reader.

“This tutorial shows you how to deploy X” → “Learn how to deploy X”; “The Y method on a Z object returns W” →
“Returns W”.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pantheon_git.tools.frontmatter.words import bag, base_form

_DOC = (
    r"(?:tutorial|guide|document|page|article|post|section|quickstart|codelab|(?:interactive )?walkthrough|recipe|lab"
    r"|solution|chapter|topic|example|how-to|lesson|sample|series|README|demo|blog post|exercise|unit|runbook|manual)"
)
_THIS = rf"(?:this|the following|the) (?:[\w-]+ )?{_DOC}"
_YOU = r"(?:you|we|I)(?:['’]ll| will| are going to|['’]re going to| can| also)*"
_HOW = r"(?:how you can |how we can |how you |ways to |how to |the steps to )"
_LEARN = re.compile(
    rf"(?:in {_THIS}(?: below)?,? {_YOU} (?:learn |see |show you |find out )?{_HOW}?(?:to )?"
    rf"|{_THIS}(?: also| will)* (?:shows?|teach(?:es)?|demonstrates?|explains?|describes?|covers?|details?|illustrates?"
    rf"|discusses|tells?|outlines?|instructs?|guides?|walks?|takes?|includes information on"
    r"|provides instructions (?:on|for))"
    rf"(?: you| users| readers| step by step)*(?: through| on)?(?: the (?:steps|process) (?:to|of))? {_HOW}"
    rf"|{_THIS}(?: will)? (?:helps?|lets?|allows?|enables?)(?: you)?(?: to)?(?: get started(?: by)?)? "
    rf"|{_THIS}\b[^.]{{0,90}}? and (?:explains?|shows?|describes?|demonstrates?)(?: you)? how to "
    rf"|{_THIS}(?: will)? (?:suggests?|proposes?|presents?|describes?|provides?|offers?|gives?) an? (?:[\w-]+ ){{0,3}}"
    r"(?:way|solution|method|approach|mechanism|process) (?:to|for|of) "
    rf"|(?:{_THIS}|it) (?:illustrates?|shows?|explains?|demonstrates?|describes?)(?: you)? how to "
    r"|we(?:['’]ll| will)? (?:also )?(?:show|demonstrate|explain)(?: you)? how to "
    rf"|(?:use|follow) {_THIS} (?:to learn (?:how )?to |to (?:use [\w -]+ to )?)"
    rf"|(?:learn|discover|find out|see|here['’]s|here is) {_HOW}|learn to |you(?:['’]ll| will) (?:also )?learn {_HOW})",
    re.IGNORECASE,
)
_GERUND = re.compile(
    rf"{_THIS}(?: will)? (?:shows?|demonstrates?|explains?|describes?|covers?|illustrates?|discusses|walks?|guides?"
    r"|takes?|helps?)(?: you)?(?: through| get started| the process of| with)* (?=\w+ing\b)",
    re.IGNORECASE,
)
_ABOUT = re.compile(
    rf"{_THIS}(?: will)? (?:describes?|explains?|covers?|discusses|introduces|presents|provides|contains|gives"
    r"|offers) ",
    re.IGNORECASE,
)
_API = re.compile(
    r"(?:the )?[`\w.$@/()-]+(?: template)? (?:method|function|filter|property|attribute|operator|shortcode|hook|helper"
    r"|directive|command|option|module|component|macro|tag|field|macro|decorator|endpoint|class)"
    r"(?: on (?:an?|the) ([\w.]+)(?: object)?)? ((?:returns|reports|renders|converts|creates|gets|sets|determines"
    r"|executes|provides|parses|formats|applies|checks|generates|displays|inserts|runs|decodes|encodes|reads|writes|computes|adds"
    r"|removes|prints|sends|fetches|sorts|splits|joins|replaces|validates)\b.*)",
    re.IGNORECASE,
)
_USE = re.compile(
    r"use the [`\w.$@/()-]+ (?:method|function|filter|command|option|class|property)(?: on an? [\w. ]+?)? to (\w.*)",
    re.IGNORECASE,
)
_USED = re.compile(r"(?:(?:this|the) [\w-]+ (?:is|can be) |it is )?used to (\w.*)", re.IGNORECASE)
_CLAUSE = re.compile(
    rf"{_THIS}(?: will)? (?:shows?|explains?|describes?|tells?|teaches)(?: you)? "
    r"(?=(?:how|why|what|when|where) (?!to ))",
    re.IGNORECASE,
)
_USES = re.compile(rf"{_THIS}(?: will)? uses? (?!billable|the following|the term)(?=[^.]* to )", re.IGNORECASE)
_CAN = re.compile(r"you (?:can|could|may)(?: also| now)? (?!check|use this|find|see|skip|read|continue)", re.IGNORECASE)
_NOT_VERBS = bag(
    "the a an your our this that these those some all more what why when where which it you we as in on about not be"
)
_ADVERBS = re.compile(
    r"^(?:(?:successfully|easily|quickly|also|even|then|simply|actually|efficiently|just|first)\s+)+", re.IGNORECASE
)


def english(sentence: str, known: set[str], shortest: int) -> Iterator[tuple[str, str]]:
    """(rule, new wording) for each rule that fits; `known` are the document's words in lower case."""
    rules = (_LEARN, _GERUND, _ABOUT, _API, _USE, _CAN, _USES, _CLAUSE)
    used = _USED.match(sentence)
    learn, gerund, about, api, use, can, uses, clause = (rule.match(sentence) for rule in rules)
    if learn and (told := verb_phrase(sentence[learn.end() :], known)):
        yield "learn", f"Learn how to {told}"
    elif uses:
        yield "about", "Learn how to use " + sentence[uses.end() :]
    elif clause:
        yield "clause", "Learn " + sentence[clause.end() :]
    elif gerund and (told := verb_phrase(sentence[gerund.end() :], known)):
        yield "learn", f"Learn how to {told}"
    elif about:
        yield "about", "Learn about " + lower(sentence[about.end() :])
    elif api:
        said = api[2][:1].upper() + api[2][1:]
        if api[1] and len(said) < shortest and re.fullmatch(r"(?:Returns|Gets|Reports) .*\.", said):
            said = f"{said[:-1]} of the given {api[1]}."
        yield "api", said
    elif used and used[1].split(" ", 1)[0].casefold().strip(",") not in _NOT_VERBS:
        yield "use", used[1][:1].upper() + used[1][1:]
    elif use:
        yield "use", use[1][:1].upper() + use[1][1:]
    elif can and (told := verb_phrase(sentence[can.end() :], known)):
        yield "can", f"Learn how to {told}"
    elif (told := verb_phrase(sentence, known)) and base_form(sentence.split(" ", 1)[0], set()):
        yield "do", f"Learn how to {told}"


def verb_phrase(text: str, known: set[str]) -> str:
    """The text with a base verb in front, or nothing where it does not begin with a verb."""
    text = _ADVERBS.sub("", text)
    word, _, rest = text.partition(" ")
    if not rest or word.casefold().strip(",") in _NOT_VERBS or not word[:1].isalpha():
        return ""
    if word.casefold().endswith("ing"):
        base = base_form(word, known)
        return f"{base} {rest}" if base else ""
    return lower(text)


def lower(text: str) -> str:
    """First letter in lower case, unless the first word is a name."""
    first = text.split(" ", 1)[0]
    return text if first[1:] != first[1:].lower() else text[:1].lower() + text[1:]
