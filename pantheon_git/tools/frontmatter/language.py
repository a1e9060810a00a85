"""Which language a text is in: the script first, then the commonest small words. A heuristic, and enough to tell
"not the document's language" from "the same": it knows the languages below and answers `und` for others."""

from __future__ import annotations

import re
from collections import Counter

_SCRIPTS = (
    ("ja", "\u3040", "\u30ff"), ("ko", "\uac00", "\ud7af"), ("zh", "\u4e00", "\u9fff"), ("ru", "\u0400", "\u04ff"),
    ("hi", "\u0900", "\u097f"), ("ar", "\u0600", "\u06ff"), ("th", "\u0e00", "\u0e7f"), ("el", "\u0370", "\u03ff"),
    ("he", "\u0590", "\u05ff"), ("bn", "\u0980", "\u09ff"), ("ta", "\u0b80", "\u0bff"), ("ka", "\u10a0", "\u10ff"),
)  # fmt: skip
_SMALL_WORDS = {
    "en": "the of and to in is that for with this you your can are on it how be from as by when an or if will not",
    "fr": "le la les des et est une vous pour dans que votre avec sur du au ce cette qui par pas plus sont être",
    "es": "el los las y es una para en que con tu su del por como se puedes más este esta un al cómo son",
    "pt": "o os as e é uma para em que com seu sua do da você por como não mais um ao dos das você pode",
    "de": "der die das und ist ein eine für mit zu den von auf sie nicht im werden wie dem können sich auch",
    "it": "il lo gli e è una per di che con del della un nel sono come più questo questa puoi alla non si",
    "nl": "de het een en is van voor met op je in dat zijn niet te worden aan kunt deze wordt bij als",
    "pl": "i w na z jest do nie się to dla jak że można tym lub oraz są przez po od",
    "tr": "ve bir bu için ile olarak daha de da olan gibi veya ne çok kadar sonra",
    "sv": "och att det som en är för på med av till den inte om ett kan du har",
    "id": "dan yang untuk di dengan ini dari pada adalah anda dapat ke tidak akan atau",
    "vi": "và của cho là các một có trong được với bạn này để không khi",
    "cs": "a je v na se s že pro do jako nebo které jsou není tento",
}
_TABLE = {
    word: [lang for lang, words in _SMALL_WORDS.items() if word in words.split()]
    for words in _SMALL_WORDS.values()
    for word in words.split()
}

CJK = ("ja", "zh", "ko", "th")
"""Written without spaces between words (or counted by characters here, as Korean is)."""


def small_words(language: str) -> frozenset[str]:
    """The commonest words of a language: no tag begins or ends with one."""
    return frozenset(_SMALL_WORDS.get(language, "").split())


def script(text: str) -> str:
    """`latin`, or the language code that stands for the script in `_SCRIPTS`; `none` where there is no letter."""
    counts: Counter[str] = Counter()
    for char in text:
        if char.isalpha():
            counts["latin" if char < "\u0370" else _script_of(char)] += 1
    if not counts:
        return "none"
    if counts["ja"] and counts["ja"] * 8 >= counts["zh"]:
        counts["ja"] += counts.pop("zh", 0)
    own, number = max(((k, n) for k, n in counts.items() if k != "latin"), key=lambda pair: pair[1], default=("", 0))
    # Names and terms in such documents are Latin: a third of the letters is enough to tell.
    return own if number * 2.5 >= counts["latin"] else "latin"


def _script_of(char: str) -> str:
    return next((code for code, low, high in _SCRIPTS if low <= char <= high), "other")


def detect(text: str) -> str:
    """A two-letter code, or `und`."""
    sample = text[:8000]
    found = script(sample)
    if found != "latin":
        return found if found != "none" else "und"
    votes = sorted(votes_of(sample).items(), key=lambda pair: -pair[1])
    if not votes or votes[0][1] < 2 or (len(votes) > 1 and votes[1][1] == votes[0][1]):
        return "und"
    return votes[0][0]


def votes_of(text: str) -> dict[str, float]:
    """How many of each language's small words the text has; a word of several languages counts a part for each."""
    votes: dict[str, float] = {}
    for word in re.findall(r"[^\W\d_]+", text.casefold()):
        languages = _TABLE.get(word, ())
        for language in languages:
            votes[language] = votes.get(language, 0.0) + 1 / len(languages)
    return votes


def agrees(answer: str, language: str) -> bool:
    """Whether a short answer can be of the document's language: same script, and not plainly another's small words."""
    if language == "und":
        return True
    own = language if language in {code for code, _, _ in _SCRIPTS} else "latin"
    said = script(answer)
    if own == "latin":
        votes = votes_of(answer)
        best = max(votes.values(), default=0)
        return said in ("latin", "none") and (best < 2 or votes.get(language, 0.0) * 1.5 >= best)
    return said in (own, "none") or (own in ("ja", "zh") and said in ("ja", "zh") and own != "zh")
