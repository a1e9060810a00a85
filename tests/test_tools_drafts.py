"""Drafts without a model: title, description, tags, language."""

from __future__ import annotations

import time

import pytest

from pantheon_git.tools.frontmatter import descriptions, forms, ground, language, prose, tags, titles
from pantheon_git.tools.frontmatter.descriptions import LONGEST, SHORTEST
from pantheon_git.tools.frontmatter.tagwords import Names, Subject

TUTORIAL = """Ada Person | Engineer | Example

<p style="x"><i>Contributed by someone.</i></p>

This tutorial shows you how to deploy a [Rowing](https://example.org) app to the Harbor Engine
(the flexible one).

## Before you begin

1.  Create a project in the `Harbor Engine` console.

```sh
# Not a heading
harbor deploy
```

## Deploy the app to Harbor Engine

Rowing apps run on Harbor Engine in containers. A rowing app needs an oar.
"""


ROWING = Subject(prose.read(TUTORIAL), "Rowing on Harbor Engine")


@pytest.mark.parametrize(
    ("path", "body", "title"),
    [
        ("docs/x.md", "# The Real Title\n\nText.\n", "The Real Title"),
        ("docs/x.md", "The Real Title\n==============\n\nText here that runs on.\n", "The Real Title"),
        ("docs/x.md", "# 🚣 2. Rowing ✨\n\nText.\n", "Rowing"),
        ("docs/x.md", "# 2.0 is out\n\nText.\n", "2.0 is out"),
        ("docs/x.md", '<h1 align="center">A boat</h1>\n\nText here that runs on.\n', "A boat"),
        ("docs/x.mdx", "export const meta = {\n  title: 'Boats'\n}\n\nText here that runs on.\n", "Boats"),
        ("docs/code-of-conduct.md", "We are kind to each other, always.\n", "Code of conduct"),
        ("_posts/2014-01-13-boat-1-4-3-released.md", "Boat 1.4.3 is out.\n", "Boat 1.4.3 released"),
        ("guide/07-assets.md", "Using assets is easy.\n", "Assets"),
        ("guide/oauth-setup/index.md", "How OAuth works in this place.\n", "OAuth setup"),
        ("functions/strings/Trim.md", "Use `strings.Trim` here.\n", "strings.Trim"),
        ("functions/strings/Trim.md", "Cuts what stands at the ends.\n", "strings.Trim"),
        ("methods/page/RawContent.md", "The raw one; see `page.RawContent`.\n", "RawContent"),
        (
            "run-expressjs-on-rowengine.md",
            "Express.js runs on Row Engine. Row Engine is new.\n",
            "Run Express.js on Row Engine",
        ),
        ("upgrade-to/v2.md", "Changes for all.\n", "Upgrade to v2"),
        ("docs/2.md", "Text that runs on and on.\n\n## Build the hull\n", "Build the hull"),
    ],
)
def test_titles_come_from_the_heading_else_the_file_name(path: str, body: str, title: str) -> None:
    """Words take the spelling that the document gives them; dates and order numbers go."""
    assert titles.candidates(prose.read(body), path, {})[0] == title


def test_several_top_headings_are_parts_and_no_title() -> None:
    """Then the file's name is the better title."""
    read = prose.read("# One part\n\nText.\n\n# Another part\n\nText.\n")
    assert titles.candidates(read, "docs/oars.md", {})[0] == "Oars"


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("This tutorial shows you how to build a boat.", "Learn how to build a boat."),
        ("In this guide, you will build a boat.", "Learn how to build a boat."),
        ("This page walks you through building a boat.", "Learn how to build a boat."),
        ("In this lab, you'll learn how to row a boat.", "Learn how to row a boat."),
        (
            "The `Row` method on a Boat object returns the speed in knots.",
            "Returns the speed in knots of the given Boat.",
        ),
        ("Use the Row method to move the boat forward.", "Move the boat forward."),
        ("This command is used to move the boat forward.", "Move the boat forward."),
        ("This document describes a way to build boats.", "Learn how to build boats."),
        ("You can build a boat with oak.", "Learn how to build a boat with oak."),
    ],
)
def test_sentences_are_rewritten_by_fixed_rules(sentence: str, said: str) -> None:
    """What the text tells a reader to expect, said as a description."""
    bare = sentence.replace("`", "")
    assert [form for _, form in forms.english(bare, {"build", "row"}, SHORTEST)] == [said]


def test_the_description_is_of_the_subject_and_not_of_the_by_line_or_the_costs() -> None:
    """Links, brackets and markup are gone."""
    read = prose.read(TUTORIAL)
    drafts = descriptions.candidates(read, "Rowing on Harbor Engine", {})
    assert drafts[0] == "Learn how to deploy a Rowing app to the Harbor Engine."
    assert all("\n" not in draft and len(draft) <= LONGEST for draft in drafts)


def test_code_html_and_templates_are_not_prose() -> None:
    """What is in code keeps its signs: `<b>` is not a tag there."""
    read = prose.read(
        "import X from 'y';\n\n{{< note >}}\n\nUse the `<b>` tag, *not* __that__ one.\n\n<Card>x</Card>\n"
    )
    assert read.paragraphs == ("Use the <b> tag, not that one.",)


def test_a_long_sentence_is_cut_where_it_still_reads_as_one() -> None:
    """At a clause, with its brackets closed, and never on a small word."""
    long = "This boat has oars (of oak, ash and pine), a mast, " + "many more things of which one could speak, " * 5
    cut = descriptions.fit(long)
    assert len(cut) <= LONGEST
    assert cut.endswith(".")
    assert cut.count("(") == cut.count(")")


@pytest.mark.parametrize("piece", ["{{", "{% ", "{/*", "<a ", "[a](", "`", "~~", "*a", "<!--", "[[a]", "(a ", "> "])
def test_hostile_text_costs_little_more_than_plain_text(piece: str) -> None:
    """Openings that are never closed do not make a rule try for ever (one took half a minute)."""
    started = time.process_time()
    prose.read(piece * 60_000)
    assert time.process_time() - started < 10


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("The boat is in the harbor and it will not sail with you.", "en"),
        ("Le bateau est dans le port et il ne part pas avec vous pour la mer.", "fr"),
        ("El barco está en el puerto y no sale con los niños para la isla.", "es"),
        ("Das Boot ist im Hafen und die Leute werden nicht mit dem Boot fahren.", "de"),
        ("ボートは港にあります。", "ja"),
        ("船在港口里，没有出海。", "zh"),
        ("보트는 항구에 있습니다.", "ko"),
        ("Лодка стоит в гавани.", "ru"),
        ("1234 !!", "und"),
    ],
)
def test_language_by_script_and_small_words(text: str, code: str) -> None:
    """Enough to tell that an answer is in another language."""
    assert language.detect(text) == code


def test_tags_of_a_vocabulary_keep_its_spelling_and_are_at_most_six() -> None:
    """What the title and the opening say ranks first; a name that the text never says is not offered."""
    vocabulary = tags.vocabulary_of([["Harbor Engine", 9], ["harbor engine", 2], "Rowing", "oar", "Moon", "containers"])
    ranked = tags.rank(ROWING, Names(vocabulary))
    assert ranked[0][0] == "Harbor Engine"
    assert {name for name, _ in ranked} == {"Harbor Engine", "Rowing", "oar", "containers"}
    assert tags.FEWEST <= len(tags.chosen(ranked)) <= tags.MOST


def test_tags_without_a_vocabulary_are_kebab_case_and_do_not_repeat_each_other() -> None:
    """One of `engine` and `harbor-engine`; verbs and filler words are no tags."""
    ranked = [name for name, _ in tags.rank(ROWING, Names(in_use=[("oar", 4.0)]))]
    assert "harbor-engine" in ranked
    assert "engine" not in ranked
    assert "deploy" not in ranked
    assert all(name == tags.kebab(name) for name in ranked)


def test_where_characters_are_wide_a_description_has_half_as_many() -> None:
    """Cut at a mark of its own script, and ended with its own stop; twenty characters are enough."""
    read = prose.read(
        "茶は、水の質と温度と時間で決まる飲み物です。" + "湯をわかし、茶わんを温め、葉をはかり、" * 8 + "待ちます。\n"
    )
    drafts = descriptions.candidates(read, "茶", {}, "ja")
    assert drafts[0] == "茶は、水の質と温度と時間で決まる飲み物です。"
    assert ground.description_faults(drafts[0], read, "ja") == []
    assert all(len(draft) <= LONGEST // 2 for draft in drafts)
    assert all(draft.endswith("。") for draft in drafts)


GOOD = "Learn how to deploy a Rowing app to the Harbor Engine in containers."


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("Rowing apps on Harbor Engine.", "at least 40"),
        (GOOD[:-1] + " and " * 30 + "oars.", "at most 160"),
        ("Learn how to deploy a Rowing app to the Harbor Engine and", "complete"),
        ("Learn how to deploy 17 Rowing apps to the Harbor Engine.", "numbers"),
        ("Learn how to deploy a Rowing app with Kubernetes on Harbor Engine.", "names"),
        ("Discover quantum bananas while painting purple submarines quietly.", "content words"),
        ("Apprenez à utiliser le bateau pour la mer et les rames dans le port.", "language"),
        ("Learn how to deploy a Rowing app\nto the Harbor Engine.", "one line"),
        ("Learn how to deploy a Rowing app, see https://example.org for the app.", "link"),
        ("", "empty"),
    ],
)
def test_the_gate_says_why_an_answer_is_no_description(text: str, fault: str) -> None:
    """Length, form, language and grounding, each with its reason."""
    faults = ground.description_faults(text, prose.read(TUTORIAL), "en")
    assert any(fault in found for found in faults), faults


def test_the_gate_lets_a_grounded_sentence_pass() -> None:
    """Other endings of the same words are the same words."""
    assert ground.description_faults(GOOD, prose.read(TUTORIAL), "en") == []
    assert ground.description_faults("Deploying Rowing apps to a Harbor Engine.", prose.read(TUTORIAL), "en") == []


def test_the_gate_works_for_languages_without_blanks() -> None:
    """Pairs of characters are compared; another script is another language."""
    read = prose.read("セッションは、ページ間でデータを共有するために使用します。サーバーに保存されます。\n")
    good = "セッションを使用して、ページ間でデータを共有するために。サーバーに保存されます。データを共有します。"
    assert ground.description_faults(good, read, "ja") == []
    assert ground.description_faults("Use sessions to share data between pages of your site.", read, "ja")
