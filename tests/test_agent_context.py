from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from pantheon_git.agent.context import Piece, fit


def count(text: str) -> int:
    return len(text.split())


def compose(pieces: Sequence[Piece]) -> str:
    return "system " * 10 + " ".join(piece.text for piece in pieces)


def piece(words: int, name: str = "t.a") -> Piece:
    return Piece(name, "A", "some words here, and more. " * (words // 5))


def test_what_fits_is_not_touched() -> None:
    """No cut, no record of one."""
    fitted = fit(compose, [piece(50)], 100, None, count)
    assert fitted is not None
    assert fitted.cuts == ()
    assert fitted.tokens == 60


def test_each_piece_is_first_cut_to_the_agents_own_cap() -> None:
    """At a whole sentence where that keeps half, and with the numbers before and after."""
    fitted = fit(compose, [piece(50), piece(10, "t.b")], 100, 20, count)
    assert fitted is not None
    (cut,) = fitted.cuts
    assert cut["piece"] == "t.a"
    assert cut["tokens_before"] == 50
    assert cut["tokens_after"] <= 20
    assert cut["why"] == "cap"
    assert fitted.prompt.split("system ")[-1].count("more.") == cut["tokens_after"] / 5 + 2


def test_the_longest_piece_gives_way_first() -> None:
    """Halved until all fits; the other one stays whole."""
    fitted = fit(compose, [piece(40, "t.short"), piece(400, "t.long")], 160, None, count)
    assert fitted is not None
    assert {cut["piece"] for cut in fitted.cuts} == {"t.long"}
    assert fitted.tokens <= 160


def test_a_shared_part_that_is_too_large_fits_no_how() -> None:
    """None, so that the loop can stop with a reason."""
    assert fit(compose, [piece(400)], 9, None, count) is None


@given(st.lists(st.text(min_size=1, max_size=600), max_size=5), st.integers(10, 120), st.none() | st.integers(1, 60))
def test_a_fitted_prompt_is_never_over_its_room(texts: list[str], room: int, cap: int | None) -> None:
    """Whatever the texts are, and every cut makes its piece shorter."""
    fitted = fit(compose, [Piece(f"t.{n}", "A", text) for n, text in enumerate(texts)], room, cap, count)
    assert fitted is not None
    assert fitted.tokens <= room
    assert all(cut["tokens_after"] <= cut["tokens_before"] for cut in fitted.cuts)
