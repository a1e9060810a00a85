"""`pantheon-git plan`: a spec becomes task files for a person to read and commit."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pantheon_git.cli.context import Here, here
from pantheon_git.cli.intake import CHECK
from pantheon_git.cli.output import DRY_RUN, JSON, printable, say, style
from pantheon_git.cli.settled import settled, told
from pantheon_git.errors import PantheonError

if TYPE_CHECKING:
    from pantheon_git.day.endpoint import Endpoint
    from pantheon_git.day.planner import Question


@click.command()
@click.argument("spec", metavar="SPEC.md", type=click.Path())
@click.option(
    "--endpoint", "url", metavar="URL", help="An OpenAI-compatible server: http://127.0.0.1:PORT/v1, unix:PATH."
)
@click.option("--model", metavar="NAME", help="The model's name there; by default the first that the server lists.")
@click.option("--key-env", metavar="NAME", help="The environment variable that holds the server's key.")
@click.option("--cloud", is_flag=True, help="Let this one call leave the machine: for an endpoint that is not on it.")
@click.option("--no-model", is_flag=True, help="Ask no model, also where an endpoint is configured.")
@click.option("-y", "--yes", is_flag=True, help="Send without asking; scripts need it.")
@click.option("--max-tokens", default=4000, show_default=True, metavar="N", help="What the model may write.")
@click.option("--timeout", default=600.0, show_default=True, metavar="SECONDS", help="How long the model may take.")
@click.option("--update", is_flag=True, help="Also write anew what is in the queue, but otherwise.")
@CHECK
@DRY_RUN
@JSON
@click.pass_context
def plan(ctx: click.Context, /, spec: str, **options: Any) -> None:
    """Make task files from a spec, with or without a model; nothing leaves the machine.

    Lines that ask for a specialist in its own words, and name files of this repository, need no model. With --endpoint
    (or git config pantheon.planEndpoint) a model is asked as well: what would be sent is shown first, without secrets.
    Beyond this machine it is sent only with --cloud, said anew for each call. By day only.

    \b
    pantheon-git plan SPEC.md
    pantheon-git plan SPEC.md --endpoint http://127.0.0.1:8080/v1
    git add .pantheon/queue && git commit -m 'Queue tasks'
    """
    from pantheon_git.cli.intake import finish, opened
    from pantheon_git.day.decompose import decompose
    from pantheon_git.day.endpoint import require_day
    from pantheon_git.day.wish import demand

    require_day()
    at = here(ctx)
    where = _where(at, options)
    (told if options["dry_run"] else settled)(at)
    text = _read(at, spec)
    opening = opened(at)
    wishes, prose = decompose(text, spec, opening[1])
    more: dict[str, Any] = {"endpoint": where.url if where else None, "request": None}
    if where is not None:
        from pantheon_git.day.planner import compose, proposals

        question = compose(text, opening[1])
        more["request"] = question.body(options["model"] or "", options["max_tokens"])
        if _agreed(where, question, options):
            wishes += proposals(_answer(where, question, options), spec)
    demand(wishes, options["checks"])
    finish(at, wishes, opening, verb="planned", dry_run=options["dry_run"], update=options["update"],
           as_json=options["as_json"], more=more)  # fmt: skip
    if not options["as_json"] and prose and where is None:
        lines = "1 line asks" if prose == 1 else f"{prose} lines ask"
        say(f"{lines} for no specialist (known: {', '.join(opening[1].agents)})")


def _where(at: Here, options: dict[str, Any]) -> Endpoint | None:
    """The endpoint, by option or configuration; refused before anything is read or sent. Fills in model and key."""
    from pantheon_git.day.endpoint import endpoint

    url = options["url"] or at.config.plan_endpoint
    if options["no_model"] or not url:
        if options["cloud"] and not url:
            raise PantheonError("--cloud names no endpoint by itself", "--endpoint https://HOST/v1 --cloud")
        return None
    where = endpoint(url, options["cloud"])
    options["model"] = options["model"] or at.config.plan_model
    name = options["key_env"] or at.config.plan_key_env
    if name and not os.environ.get(name):
        raise PantheonError(
            f"the variable {name} is not set or empty", f"export {name}=…, or another one: --key-env NAME"
        )
    options["key"] = os.environ[name] if name else ""
    return where


def _read(at: Here, spec: str) -> str:
    try:
        return (at.cwd / Path(spec)).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise PantheonError(f"{spec}: {error}", "name a spec in Markdown, UTF-8") from error


def _agreed(where: Endpoint, question: Question, options: dict[str, Any]) -> bool:
    """Show what would be sent, and ask. False: a dry run. PantheonError where nobody agrees."""
    if not options["as_json"] or not options["dry_run"]:
        _show(where, question, options)
    if options["dry_run"]:
        say("nothing was sent")
        return False
    if options["yes"]:
        return True
    if not sys.stdin.isatty():
        raise PantheonError("without a terminal nobody can be asked whether to send this; nothing was sent",
                            "--yes sends it, --dry-run shows it, --no-model needs none")  # fmt: skip
    if not click.confirm(f"Send this to {where.url}?", err=True):
        raise PantheonError("nothing was sent", "--no-model plans without a model")
    return True


def _show(where: Endpoint, question: Question, options: dict[str, Any]) -> None:
    place = "on this machine" if where.local else style("BEYOND THIS MACHINE", fg="red", bold=True)
    size = len(json.dumps(question.body(options["model"] or "", options["max_tokens"])).encode())
    would = "would be sent" if options["dry_run"] else "to be sent"
    say(f"{would} to {printable(where.url)}, {place}: {size} bytes, "
        f"model {options['model'] or 'the first that it lists'}, {'with' if options['key'] else 'no'} key")  # fmt: skip
    for message in question.messages:
        say(style(f"── {message['role']} ──", fg="cyan"))
        say(printable(message["content"]))
    say(style("──", fg="cyan"))
    if question.redacted:
        counts = ", ".join(f"{number} × {kind}" for kind, number in sorted(question.redacted.items()))
        say(style(f"taken out: {counts}", fg="yellow"))


def _answer(where: Endpoint, question: Question, options: dict[str, Any]) -> str:
    """The model's words. An endpoint that knows no schema is asked once more without."""
    from pantheon_git.day.endpoint import RefusedError, ask
    from pantheon_git.day.planner import said

    key, timeout = options["key"], options["timeout"]
    model = options["model"] or _first(ask(where, "/models", None, key, timeout), where)
    try:
        return said(ask(where, "/chat/completions", question.body(model, options["max_tokens"]), key, timeout))
    except RefusedError as error:
        if error.status not in (400, 422):
            raise
        say(f"asked once more without a schema: {error.message}")
        plain = question.body(model, options["max_tokens"], plain=True)
        return said(ask(where, "/chat/completions", plain, key, timeout))


def _first(listed: Any, where: Endpoint) -> str:
    models = listed.get("data") if isinstance(listed, dict) else None
    if not models or not isinstance(models[0], dict) or "id" not in models[0]:
        raise PantheonError(f"endpoint {where.url} lists no model", "--model NAME")
    return str(models[0]["id"])
