"""Passphrases are typed on a terminal by a person, unseen: never an argument, an environment variable or a pipe."""

from __future__ import annotations

import sys
from collections.abc import Callable

import click

from pantheon_git.errors import PantheonError

LEAST = 8
"""Characters of a new passphrase."""


def asker() -> Callable[[str], str] | None:
    """What asks a person; None where nobody sits."""
    return _ask if sys.stdin.isatty() and sys.stderr.isatty() else None


def new_passphrase(path: object) -> str:
    """Typed twice. PantheonError where nobody sits, or when it is short."""
    if asker() is None:
        raise PantheonError("a passphrase is typed on a terminal, and there is none here", "run this in a terminal")
    typed = str(click.prompt(f"New passphrase of {path}", hide_input=True, confirmation_prompt="Once more", err=True))
    if len(typed) < LEAST:
        raise PantheonError(f"that is short: at least {LEAST} characters", "several words are easy to keep in mind")
    return typed


def _ask(question: str) -> str:
    return str(click.prompt(question, hide_input=True, err=True))
