"""Every command, its section, where its code is, and its one line of help."""

from __future__ import annotations

from pantheon_git.cli.lazy import Entry

SETUP, DAY, NIGHT, MORNING, PROOF, HELP = (
    "Set up", "By day", "At night", "In the morning", "Evidence", "Tools",
)  # fmt: skip

COMMANDS: dict[str, Entry] = {
    "demo": Entry(SETUP, "demo:demo", "See a whole night in a scratch repository, in a few minutes."),
    "init": Entry(SETUP, "init:init", "Set this repository up: .pantheon/, keys, git config, hooks."),
    "model": Entry(SETUP, "model:model", "Fetch and list local models."),
    "keys": Entry(
        SETUP, "keys:keys", "Show, export and trust the keys that sign; rotate, revoke and protect your own."
    ),
    "doctor": Entry(SETUP, "doctor:doctor", "Say whether a night would run here, and what is missing."),
    "add": Entry(DAY, "add:add", "Queue work: one task file for each path."),
    "plan": Entry(
        DAY, "plan:plan", "Make task files from a spec, with or without a model; nothing leaves the machine."
    ),
    "import": Entry(DAY, "imports:import_", "Make task files from a board, a backlog, JSON lines or a Harbor task."),
    "suggest": Entry(
        DAY, "suggest:suggest", "Find repetitive work that specialists could do here, and queue it on your word."
    ),
    "check": Entry(DAY, "check:check", "Validate queue, flows, agents and policy; what the pre-commit hook runs."),
    "freeze": Entry(DAY, "freeze:freeze", "Seal and sign the committed queue: the night runs this and nothing else."),
    "retry": Entry(DAY, "retry:retry", "Queue a task again that failed or was rejected."),
    "schema": Entry(DAY, "schema:schema", "Print the JSON Schema of a file that you write, for your editor."),
    "run": Entry(NIGHT, "run:run", "Run the night: every queued task of the committed queue, once."),
    "night": Entry(NIGHT, "night:night", "Let nights start by themselves, as a user without network and your files."),
    "report": Entry(MORNING, "report:report", "Read what the night did, from its signed records alone."),
    "pr": Entry(MORNING, "pr:pr", "Review the night's branches: list, show, diff, checkout, merge, reject."),
    "reviewers": Entry(MORNING, "reviewers:reviewers", "Say how often each reviewer errs, and whose pass counts."),
    "export": Entry(MORNING, "export:export", "Export tasks and what became of them, for other tools."),
    "log": Entry(PROOF, "log:log", "List recorded jobs, newest night first, failures included."),
    "trace": Entry(PROOF, "trace:trace", "Show what every node of a job saw, said and did."),
    "gate": Entry(PROOF, "gate:gate", "Say why the gate judged a job as it did."),
    "replay": Entry(PROOF, "replay:replay", "Run a recorded job again from its recorded answers, and compare."),
    "verify": Entry(PROOF, "verify:verify", "Check every signature and every byte of the ledger, offline."),
    "sync": Entry(PROOF, "sync:sync", "Exchange nights, notes and reviews with a remote, never by force."),
    "jail": Entry(PROOF, "jail:jail", "Run a command in the jail that jobs get, to look around in it."),
    "bench": Entry(HELP, "bench:bench", "Measure this machine, the specialists and the reviewers."),
    "hook": Entry("", "hook:hook", "Judge moves of refs, for the installed hooks."),
}
