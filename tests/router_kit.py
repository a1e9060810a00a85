"""How well the router's model chooses: `python -m tests.router_kit [--engine openvino]`, on invented tasks.

Prints, for the tasks on which the margin of `agents/route` was set and for others that came later, how often the
likeliest flow is the right one, what is decided with the margin, and what choosing by chance would come to. The words
of manifests, which would decide many of these without a model, have no say here.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys

from pantheon_git.agent.choice import choose
from pantheon_git.agent.load import FolderReader, load_from
from pantheon_git.agent.stock import stock_dir
from pantheon_git.engines import open_engine
from pantheon_git.engines.protocol import Engine

DOC = {
    "doc.frontmatter": "Write or normalise the front matter of one document.",
    "doc.rename": "Rename documents and fix every reference to them.",
}
CODE = {
    "code.header": "Put the licence header at the top of source files.",
    "code.rename": "Rename a symbol and every use of it.",
    "code.docstring": "Write docstrings or JSDoc for functions.",
    "code.pytest-stub": "Write a pytest test for a Python module.",
    "codegen": "Make a small change to the code, test first.",
}
SEEN = {
    "doc.frontmatter": (
        "docs/setup.md: Add title, description and tags to the page",
        "guides/a.md: This page has no metadata; please add it",
        "docs/backup.md: Write the YAML front matter of docs/backup.md",
        "docs/intro.md: Give every guide a description",
        "blog/2020.md: Normalise the tags in the front matter",
        "notes/x.md: Fill in the missing title and tags",
        "docs/q.md: The description field is empty",
        "content/p.md: Document metadata: title, tags",
    ),
    "doc.rename": (
        "docs/My Page.md: Rename this file to kebab-case and fix the links",
        "docs/Untitled 3.md: Give the file a better name",
        "docs/old.md: Move docs/old.md to a sensible name and update every link to it",
        "docs/Set_Up.md: File names should be lower case with dashes",
        "docs/doc1.md: The name of this document says nothing; rename it",
        "docs/Foo.md: Change the filename so that it matches the heading",
        "docs/A B.md: Fix the badly named pages and their references",
        "docs/New Page.md: Rename New Page.md",
    ),
    "code.header": (
        "src/a.py: Add the licence header",
        "src/b.js: Every source file needs an SPDX header",
        "lib/c.c: Insert the copyright notice at the top",
        "src/d.rs: License header is missing in these files",
    ),
    "code.rename": (
        "src/cli.py: Rename the function parse_args to parse_arguments everywhere",
        "src/foo.py: The class Foo should be called Bar",
        "src/t.js: Rename variable tmp and all its uses",
        "src/x.py: Change the name of the method getX to get_x",
    ),
    "code.docstring": (
        "src/a.py: Write docstrings for the public functions",
        "src/a.js: Add JSDoc comments",
        "src/m.py: Document the functions of this module",
        "src/p.py: Functions lack documentation of their parameters",
    ),
    "code.pytest-stub": (
        "src/m.py: Write a test for this module",
        "src/utils.py: There is no pytest for utils.py",
        "src/u.py: Add unit tests",
        "src/parser.py: Cover the parser with tests",
    ),
    "codegen": (
        "src/io.py: Return an error instead of None when the file is empty",
        "src/limits.py: Make the limit configurable",
        "src/loop.py: Fix the off-by-one in the loop",
        "src/path.py: Accept a path as well as a string",
    ),
}
LATER = {
    "doc.frontmatter": (
        "docs/faq.md: Front matter is missing here",
        "blog/trip.md: Put a title and tags on top of the post",
        "docs/api.md: Describe the page in its header block",
        "notes/y.md: Tags are spelt in different ways; use the ones of the vocabulary",
    ),
    "doc.rename": (
        "docs/Copy of plan.md: A better file name, please",
        "docs/READ ME FIRST.md: No blanks in file names",
        "docs/Howto_v2.md: Rename to match the title, keep links alive",
        "docs/IMG notes.md: Change the name of the page",
    ),
    "code.header": ("src/e.py: SPDX line at the top", "src/f.go: Copyright header of the project is absent"),
    "code.rename": ("src/g.py: calc is a bad name for this function", "src/h.ts: Rename the constant MAX to LIMIT"),
    "code.docstring": ("src/i.py: Explain what each function returns", "src/j.js: JSDoc for exported functions"),
    "code.pytest-stub": ("src/k.py: No tests exist for this file", "src/l.py: Write pytest tests"),
    "codegen": ("src/n.py: Log a warning when the cache is stale", "src/o.py: Close the file in every case"),
}


async def measure(engine: Engine, tasks: dict[str, tuple[str, ...]]) -> tuple[int, int, int, int, float]:
    """Tasks; right without a margin; decided with it; of these right; right by chance."""
    loaded = load_from(FolderReader(stock_dir()), "stock")["route"]
    total = right = decided = decided_right = 0
    chance = 0.0
    for wanted, lines in tasks.items():
        flows = DOC if wanted in DOC else CODE
        for line in lines:
            path, _, goal = line.partition(": ")
            found = await choose(loaded, goal, [path], flows, engine, f"{total}/route")
            nats = json.loads(found.files["output.json"])["nats"]
            total, chance = total + 1, chance + 1 / len(flows)
            right += max(nats, key=lambda name: float(nats[name])) == wanted
            decided += found.option is not None
            decided_right += found.option == wanted
    return total, right, decided, decided_right, chance


async def main(name: str, model: str) -> None:
    engine = open_engine(name, model=model)
    for what, tasks in (("the margin was set on", SEEN), ("later", LATER)):
        total, right, decided, well, chance = await measure(engine, tasks)
        sys.stdout.write(
            f"{what}: {total} tasks, the likeliest is right on {right} (by chance {chance:.0f}); "
            f"with the margin {decided} decided, {well} right\n"
        )
    await engine.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", default="openvino")
    parser.add_argument("--model", default="smollm2-135m-instruct")
    asked = parser.parse_args()
    asyncio.run(main(asked.engine, asked.model))
