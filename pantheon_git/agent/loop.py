"""The loop of every specialist: a finite-state machine, PROMPT → {TOOL | FINAL}. No model decides what runs next.

The manifest says which actions are legal in which state. An action with nothing to ask is forced and costs no tokens;
else the model fills in what is asked, under a grammar that knows nothing else. Every exit has a StopReason.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from pantheon_git.agent import prompt
from pantheon_git.agent.actions import (
    Action,
    Legal,
    control_answer,
    faults_of,
    forced,
    legal_actions,
    parse,
    parse_calls,
)
from pantheon_git.agent.context import fit
from pantheon_git.agent.finish import conclude
from pantheon_git.agent.grammar import constrain
from pantheon_git.agent.load import LoadedAgent
from pantheon_git.agent.outcome import Outcome, Stop, StopReason
from pantheon_git.agent.run import Run, Stopped
from pantheon_git.agent.view import TaskView
from pantheon_git.engines.protocol import Engine, Request
from pantheon_git.errors import EngineError, JailError
from pantheon_git.jail.protocol import Jail
from pantheon_git.tools import TOOLS
from pantheon_git.tools.protocol import Tool


async def run(
    loaded: LoadedAgent,
    view: TaskView,
    jail: Jail,
    engine: Engine,
    *,
    timeout: float | None = None,
    tools: Mapping[str, Tool] = TOOLS,
) -> Outcome:
    """Run the agent on every path of the view. `timeout`: seconds, besides the manifest's own deadline."""
    this = Run(loaded, view, jail, engine, tools)
    try:
        async with asyncio.timeout(min(timeout or this.deadline, this.deadline)):
            if faults := faults_of(dict(view.params), loaded.agent.contract.input):
                raise Stopped(Stop(StopReason.INPUT, "; ".join(faults)))
            if not view.paths:
                raise Stopped(Stop(StopReason.INPUT, f"loop.over: {loaded.agent.loop.over} names nothing to work on"))
            for path in view.paths:
                this.begin(path)
                await _machine(this)
        stop = Stop(StopReason.FINAL)
    except Stopped as stopped:
        stop = stopped.stop
    except TimeoutError:
        stop = Stop(StopReason.DEADLINE, f"{time.monotonic() - this.started:.0f} s are over")
    except EngineError as error:
        stop = Stop(StopReason.ENGINE, error.message)
    except JailError as error:
        stop = Stop(StopReason.JAIL, error.message)
    return conclude(this, stop)


async def _machine(this: Run) -> None:
    """One document: from the start state to the final action. Whatever stops it earlier raises Stopped."""
    while True:
        legal = this.within_budget(legal_actions(this.agent, this.state, this.sources, this.tools))
        action = forced(legal)
        actions = [action] if action else await _prompt(this, legal)
        if isinstance(actions, str):
            this.fail(actions)
            continue
        for action in actions:
            this.heard(action)
            if action.final:
                if not (faults := faults_of(dict(action.args), this.agent.contract.output)):
                    return this.finish(action)
                this.fail("; ".join(faults), hopeless=action.forced)
            elif not await _tool(this, action):
                break


async def _prompt(this: Run, legal: list[Legal]) -> list[Action] | str:
    """Ask the model; its action (or calls, where one answer may hold several), or what is wrong with its answer."""
    calls = this.loop.calls
    constraint = constrain(legal, calls)
    shown = prompt.pieces(legal, this.sources_in_view)

    def compose(pieces: prompt.Pieces) -> str:
        said = prompt.messages(this.loaded, this.view, legal, pieces, this.problems)
        return this.engine.render(said) + constraint.prefix

    most = this.tokens_for_one_turn()
    room = this.engine.model.context_tokens - most
    fitted = fit(compose, shown, room, this.agent.settings.get("piece_tokens"), this.engine.count_tokens)
    if fitted is None:
        raise Stopped(Stop(StopReason.CONTEXT, f"the shared part alone is more than {room} tokens"))
    this.record.cuts += [{"step": this.steps, **cut} for cut in fitted.cuts]
    key = f"{this.view.job}/{this.view.node}/{this.steps}"
    answer = control_answer(legal, this.sources, this.view.candidate, calls).removeprefix(constraint.prefix)
    request = Request(fitted.prompt, most, constraint.grammar, *this.sampling, key=key, control=answer)
    said = await this.engine.complete(request)
    this.record.answered(key, this.state, fitted.prompt, said)
    whole = constraint.whole(said.text)
    if calls > 1:
        return parse_calls(whole, legal, calls)
    action = parse(whole, legal)
    return action if isinstance(action, str) else [action]


async def _tool(this: Run, action: Action) -> bool:
    """Call the tool in the jail; success moves the machine on, a refusal ends it, an error counts as a failure (False:
    what the same answer asks for after it is not called)."""
    if action.name not in this.agent.states[this.state].tools:
        this.fail(f"{action.name} cannot be used after the calls before it")
        return False
    this.check_calls()
    answer = await this.jail.call(action.name, action.args, this.seconds_left())
    this.record.called(action, answer.ok, answer.result, answer.seconds)
    if answer.ok:
        this.took(action, answer.result)
    elif answer.result.get("code") == "refused":
        raise Stopped(Stop(StopReason.REFUSED, str(answer.result.get("message", ""))))
    else:
        this.fail(f"{action.name}: {answer.result.get('message', 'failed')}", hopeless=action.forced)
    return answer.ok
