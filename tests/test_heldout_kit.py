from __future__ import annotations

import pytest

from tests import heldout_kit as kit

GOOD, BAD = "Learn how to grow beans in warm soil", "Billing is turned on first of all here"


def doc(number: int, pays: str, repo: str = "one") -> kit.Doc:
    """Two lines, of rules `a` and `b`; the description is what the line of the rule that pays says."""
    other = "b" if pays == "a" else "a"
    names = [("beans", {"in_title": 1.0}), ("billing", {"in_lead": 1.0}), ("soil", {"in_title": 1.0})]
    lines = [(GOOD, {pays: 1.0}), (BAD, {other: 1.0})]
    return kit.Doc(number, repo, GOOD, frozenset({"beans", "soil"}), lines, names, BAD)


def test_a_fit_finds_which_rule_pays() -> None:
    """The line that is like the description, and the names that are its tags, come out first."""
    docs = [doc(n, "a") for n in range(6)]
    assert kit.best_line(docs[0], kit.fit_lines(docs)) == GOOD
    assert kit.best_tags(docs[0], kit.fit_tags(docs))[:2] == ["beans", "soil"]


def test_held_out_by_document_never_sees_the_half_that_it_scores() -> None:
    """Where the halves contradict each other, what is fitted on one is wrong on all of the other."""
    docs = [doc(n, "a" if n % 2 else "b") for n in range(44)]
    assert kit.held_out(docs, kit.fit_lines, lambda one: str(one.number % 2), "description") == pytest.approx(
        0, abs=0.2
    )
    same = [doc(n, "a") for n in range(44)]
    assert kit.held_out(same, kit.fit_lines, lambda one: str(one.number % 2), "description") == 1.0


def test_too_few_other_documents_are_no_measure() -> None:
    """One repository that has nearly all of them cannot be held out."""
    docs = [doc(n, "a", "one" if n else "two") for n in range(30)]
    assert kit.held_out(docs, kit.fit_lines, lambda one: one.repo, "description") is None


def test_rouge_l_is_the_f1_of_the_longest_common_run_of_words() -> None:
    """Order counts, gaps do not; scripts without blanks are compared by pairs of characters."""
    assert kit.rouge_l("grow red beans", "grow beans fast") == pytest.approx(2 / 3)
    assert kit.rouge_l("beans grow", "grow beans") == pytest.approx(0.5)
    assert kit.rouge_l("", "grow") == 0.0
    assert kit.rouge_l("豆を育てる", "豆を育てる") == 1.0
