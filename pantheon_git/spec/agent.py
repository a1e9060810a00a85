"""An agent: `agents/NAME/agent.toml` and the files that it names. Data only, never code."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from pantheon_git.spec.base import Name, Spec


class Runtime(Spec):
    origin: str
    """Only `local` runs at night; anything else is refused."""
    engine: Literal["auto", "openvino", "vllm"] = "auto"
    address: str = "in-process"
    """Where the engine answers: `in-process`, `unix:/PATH` or a loopback address; anything else is refused."""
    model: str = "smollm2-135m-instruct"
    """A name from `pantheon-git model list`, or a path to a model on disk."""
    adapter: str | None = None
    """Digest of a promoted adapter."""


class Loop(Spec):
    max_steps: int = Field(8, ge=1, le=200)
    max_tool_calls: int = Field(6, ge=0, le=200)
    max_failures: int = Field(2, ge=0, le=20)
    deadline_seconds: float = Field(300, gt=0)
    max_tokens: int = Field(256, ge=1)
    """Tokens the model may write in one turn."""
    keep_results: int = Field(3, ge=1)
    """The model sees only this many latest tool results."""
    calls: int = Field(1, ge=1, le=32)
    """Calls that one answer may hold. With more than one an answer is a list of calls, run in order while each is legal
    where the one before left the machine; an empty list ends the run where the state is final."""
    over: str = Field("scope", pattern=r"^(scope|task|params\.[A-Za-z_][\w-]*)$")
    """What the machine runs once for: each file of the `scope`; the `task` as a whole (`task.path` is empty); or each
    path in a parameter (`params.KEY`, one path or a list), which need not lie in the scope: a module that is read only,
    say, while the scope is the test to be written."""


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"no regular expression: {error}") from error
    return pattern


Pattern = Annotated[str, AfterValidator(_compiles)]
"""A regular expression of Python, searched without case, `^` and `$` at lines."""


class Find(Spec):
    """Which of the files that the agent is meant for need it; all conditions hold together."""

    what: str
    """What they are, in words: `documents without front matter`."""
    lacks: Pattern | None = None
    """Files whose content matches it nowhere."""
    has: Pattern | None = None
    """Files whose content matches it."""
    name: Pattern | None = None
    """Files whose path does not match it."""
    new: bool = False
    """Files for which nothing that the task's scope names exists yet, as of tests to be written."""
    usual: bool = False
    """Suggested only where some file that the agent is meant for has it already: a house without licence headers does
    not miss them."""
    unless: tuple[str, ...] = ()
    """Globs, with the placeholders of `scope`: files for which one of these is there already have what they need."""


class Queue(Spec):
    """How `add`, `plan`, `import` and `suggest` make tasks of this agent.

    In the texts of `scope` and `params`, `{path}` stands for the file, `{dir}` for its folder with a `/` behind it
    (empty at the root), `{name}` for its last part, `{stem}` and `{suffix}` for that in two (`{suffix}` with its dot).
    """

    suffixes: tuple[str, ...] = ()
    """Of tracked files that it is meant for; none: by the first part of the agent's name, `doc` or `code`."""
    exclude: tuple[str, ...] = ()
    """Globs of files that it is not meant for, unless one is named alone."""
    scope: tuple[str, ...] = Field(("{path}",), min_length=1)
    """`scope.paths` of the task; what stands for a placeholder is taken literally."""
    params: dict[str, str] = Field(default_factory=dict)
    """Parameters of the task, unless the person gives them."""
    references: bool = False
    """The agent moves files: the scope is what moves, where to, and every file that refers to it, looked up by day."""
    asked: tuple[Pattern, ...] = ()
    """How a person asks for this agent in a line of a spec or a board; of several agents the longest match decides, and
    named groups become parameters."""
    find: Find | None = None
    """How `suggest` finds its work; none: it does not."""


class State(Spec):
    """One state of the agent's finite-state machine: what the model may do next."""

    tools: dict[str, Name] = Field(default_factory=dict)
    """Tool that is legal here → the state that follows its success."""
    final: bool = False
    """Whether the agent may finish here."""
    final_when: str | None = None
    """Where a truth value comes from (as in `bind`): while it is true the agent finishes here, while it is not, only
    the tools are legal, as after tests that failed."""


class Tool(Spec):
    """How the agent may use one tool."""

    bind: dict[str, str] = Field(default_factory=dict)
    """Argument → where its value comes from: `task.path` (empty where the loop is over the task), `task.goal`,
    `task.files` (those in scope), `task.checks` (commands of its acceptance), `task.params.KEY`, `result.TOOL.KEY`. The
    model sees none. An argument that is asked for at the moment (`ask_when`) is not bound."""
    ask: tuple[str, ...] = ()
    """Arguments that the model fills in. With none, the call is forced and costs no tokens."""
    optional: tuple[str, ...] = ()
    """Of `ask`, the arguments that the model may leave out."""
    ask_when: str | None = None
    """Where a list of argument names comes from (as in `bind`): of `ask`, only those in the list are asked."""
    draft: dict[str, str] = Field(default_factory=dict)
    """Asked argument → where its computed candidates come from, best first: what a control night answers."""
    form: dict[str, Literal["line", "sentence", "text"]] = Field(default_factory=dict)
    """How the grammar builds an asked text: any one line (the default), one sentence that ends with a full stop, or a
    text of any number of lines."""
    openings: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Asked argument → the texts that its value may begin with; none: it begins as the model likes."""
    plain: bool = False
    """A single asked text is answered as it is, one line without JSON around it. A small model phrases better so: on
    129 documents the untuned 135M wrote .58 of descriptions in its own words, and .34 within JSON."""
    instruct: str = ""
    """What the model is told to do here, after the role and the schema card."""
    show: dict[str, str] = Field(default_factory=dict)
    """What the model sees when it is asked, in this order: label → source (as in `bind`); none: the latest results."""


class Contract(Spec):
    input: dict[str, Any] = Field(default_factory=dict)
    """JSON Schema of the task's `params`."""
    output: dict[str, Any] = Field(default_factory=dict)
    """JSON Schema of the agent's final answer."""


class Agent(Spec):
    schema_: Literal[1] = Field(1, alias="schema")
    name: Name
    version: str
    kind: Literal["specialist", "reviewer", "router"] = "specialist"
    description: str
    goal: str = ""
    """What `add` asks for when the person says nothing else; `{path}` stands for the file."""
    runtime: Runtime
    loop: Loop = Loop()
    queue: Queue = Queue()
    start: Name = "start"
    states: dict[Name, State] = Field(default_factory=dict)
    tools: dict[str, Tool] = Field(default_factory=dict)
    final: Tool = Tool()
    """The answer of the final action, in the same words; fully bound, it is forced."""
    contract: Contract = Contract()
    prompt: str = "prompt.md"
    """File beside the manifest: role, constraints, conventions."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """Numbers of the agent's own, such as a reviewer's thresholds."""

    @model_validator(mode="after")
    def _states_are_closed(self) -> Agent:
        if self.kind == "specialist" and self.start not in self.states:
            raise ValueError(f"start: there is no state {self.start!r}")
        for name, state in self.states.items():
            for tool, target in state.tools.items():
                if tool not in self.tools:
                    raise ValueError(f"states.{name}.tools: {tool!r} is not among [tools]")
                if target not in self.states:
                    raise ValueError(f"states.{name}.tools.{tool}: there is no state {target!r}")
            if state.final_when and not (state.final and state.tools):
                raise ValueError(f"states.{name}.final_when: needs final = true, and tools for when it is not so")
            if not state.tools and not state.final:
                raise ValueError(f"states.{name}: a dead end, neither tools nor final")
        return self
