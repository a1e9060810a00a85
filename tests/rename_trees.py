"""Trees as site generators and forges have them, in miniature: every way to refer to a file, and what is renamed."""

from __future__ import annotations

TREES: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "docusaurus": (
        {
            "docs/01-intro/02-Install_Guide.md": ("---\nid: Install_Guide\nsidebar_label: x\n---\n# Install\n"),
            "docs/01-intro/03-next.mdx": (
                "import Partial from './02-Install_Guide.md';\n"
                "import P2 from '@site/docs/01-intro/02-Install_Guide.md';\n"
                "\n"
                '<Link to="/docs/intro/Install_Guide">x</Link> <Link '
                "to={'/docs/intro/Install_Guide#a'}>y</Link>\n"
                "\n"
                "[a](./02-Install_Guide.md#x) [b](/docs/intro/Install_Guide) [c](Install_Guide)\n"
            ),
            "docs/other.md": ("[a](./01-intro/02-Install_Guide.md)\n[b](intro/Install_Guide)\n"),
            "sidebars.js": (
                "module.exports = {docs: [{type: 'category', label: 'Intro', items: "
                "['intro/Install_Guide', 'other']}, {type:'doc', id: \"intro/Install_Guide\"}]};\n"
            ),
            "docusaurus.config.js": (
                "export default {themeConfig:{navbar:{items:[{to: '/docs/intro/Install_Guide', "
                "label:'x'}]}}, footer: {links:[{to:`/docs/intro/Install_Guide`}]}};\n"
            ),
            "src/pages/index.js": 'export default () => <Link to="/docs/intro/Install_Guide">Go</Link>;\n',
        },
        {"docs/01-intro/02-Install_Guide.md": "docs/01-intro/02-install-guide.md"},
    ),
    "mkdocs": (
        {
            "docs/User Guide/Getting Started.md": "# G\n",
            "mkdocs.yml": (
                "site_url: https://x.org/\n"
                "nav:\n"
                "  - Home: index.md\n"
                "  - Guide:\n"
                "    - Start: User Guide/Getting Started.md\n"
                "    - 'User Guide/Getting Started.md'\n"
                "plugins:\n"
                "  - redirects:\n"
                "      redirect_maps:\n"
                "        'old.md': 'User Guide/Getting Started.md'\n"
            ),
            "docs/index.md": (
                "# i\n"
                "\n"
                '!!! note "x"\n'
                "\n"
                "    see [g](User%20Guide/Getting%20Started.md)\n"
                "\n"
                '=== "Tab"\n'
                "\n"
                '    - [g](<User Guide/Getting Started.md> "t")\n'
                "\n"
                "[abs](https://x.org/User%20Guide/Getting%20Started/#a)\n"
                "\n"
                "| a | b |\n"
                "|---|---|\n"
                "| [t](User%20Guide/Getting%20Started.md) | `x` |\n"
            ),
            "README.md": (
                '[g](docs/User%20Guide/Getting%20Started.md)\n<img src="docs/User Guide/Getting Started.md">\n'
            ),
        },
        {"docs/User Guide/Getting Started.md": "docs/User Guide/getting-started.md"},
    ),
    "hugo": (
        {
            "content/docs/Old_Page.md": ("---\ntitle: x\n---\n"),
            "content/docs/a.md": (
                '{{< ref "Old_Page.md" >}} [x]({{< relref "Old_Page.md#h" >}}) [y]({{% relref '
                '"/docs/Old_Page" %}}) [z](/docs/old_page/) [w](../old_page/)\n'
            ),
            "content/_index.md": ('+++\ntitle = "t"\nrelated = ["/docs/Old_Page"]\n+++\n[a](docs/old_page/)\n'),
            "hugo.toml": ('[[menu.main]]\nname = "x"\nurl = "/docs/old_page/"\npageRef = "/docs/Old_Page"\n'),
            "data/nav.yml": "- url: /docs/old_page/\n",
            "layouts/index.html": ('<a href="{{ ref . "/docs/Old_Page.md" }}">a</a> <a href="/docs/old_page/">b</a>\n'),
        },
        {"content/docs/Old_Page.md": "content/docs/new-page.md"},
    ),
    "jekyll": (
        {
            "_posts/2020-01-02-Old_post.md": ("---\ntitle: o\n---\n"),
            "_docs/old_doc.md": ("---\npermalink: /docs/old_doc/\n---\n"),
            "index.md": (
                "{% post_url 2020-01-02-Old_post %} [x]({% link _docs/old_doc.md %}) [y]({{ site.baseurl "
                "}}/docs/old_doc/) [z](/docs/old_doc/#a) [p](/2020/01/02/Old_post.html) [q]({{ "
                '"/docs/old_doc/" | relative_url }})\n'
            ),
            "_data/nav.yml": ("docs:\n  - title: a\n    url: /docs/old_doc/\n  - old_doc\n"),
            "_includes/x.html": (
                '<a href="{{ site.baseurl }}/docs/old_doc/">x</a><a href="{% link _docs/old_doc.md %}">\n'
            ),
            "other.md": ("---\nredirect_to: /docs/old_doc/\n---\n"),
        },
        {"_posts/2020-01-02-Old_post.md": "_posts/2020-01-02-new-post.md", "_docs/old_doc.md": "_docs/new-doc.md"},
    ),
    "vitepress": (
        {
            "docs/guide/Old Thing.md": "# x\n",
            "docs/.vitepress/config.mts": (
                "export default { themeConfig: { sidebar: { '/guide/': [{ text: 'Old Thing', link: "
                "'/guide/Old Thing' }, { text: 'b', link: '/guide/Old%20Thing#x' }] }, nav: [{text:'n', "
                "link: 'guide/Old Thing.md'}] } }\n"
            ),
            "docs/index.md": (
                "---\n"
                "hero:\n"
                "  actions:\n"
                "    - text: Go\n"
                "      link: /guide/Old Thing\n"
                "---\n"
                '<a href="/guide/Old%20Thing">x</a>\n'
                "<!--@include: ./guide/Old Thing.md-->\n"
                "[x](./guide/Old%20Thing) [y](./guide/Old%20Thing.html)\n"
            ),
        },
        {"docs/guide/Old Thing.md": "docs/guide/new-thing.md"},
    ),
    "sphinx": (
        {
            "docs/usage/Old_Thing.rst": ("Old\n===\n"),
            "docs/index.rst": (
                "X\n"
                "=\n"
                "\n"
                ".. toctree::\n"
                "   :maxdepth: 2\n"
                "   :caption: C\n"
                "\n"
                "   usage/Old_Thing\n"
                "   Title <usage/Old_Thing>\n"
                "\n"
                "See :doc:`usage/Old_Thing` and :doc:`the thing </usage/Old_Thing>` and :doc:`t "
                "<usage/Old_Thing>`.\n"
                "\n"
                ".. include:: usage/Old_Thing.rst\n"
            ),
            "docs/usage/b.rst": ("b\n=\n\n:doc:`Old_Thing` `link <Old_Thing.html>`_\n\n.. _x: Old_Thing.html\n"),
            "docs/m.md": (
                "# m\n"
                "\n"
                "```{toctree}\n"
                ":maxdepth: 1\n"
                "usage/Old_Thing\n"
                "```\n"
                "\n"
                "{doc}`usage/Old_Thing` [a](usage/Old_Thing.rst) [b](usage/Old_Thing)\n"
            ),
            "README.rst": "see `docs <docs/usage/Old_Thing.rst>`__\n",
        },
        {"docs/usage/Old_Thing.rst": "docs/usage/new-thing.rst"},
    ),
    "gitbook": (
        {
            "book/part/Old_Thing.md": "# x\n",
            "SUMMARY.md": ("# S\n\n* [X](book/part/Old_Thing.md)\n  * [Y](book/part/Old_Thing.md#a)\n"),
            ".gitbook.yaml": ("redirects:\n  a/b: book/part/Old_Thing.md\n"),
            "src/SUMMARY.md": "- [Z](./ch/Old_Thing.md)\n",
            "src/ch/Old_Thing.md": "x",
            "src/ch/b.md": (
                "{{#include Old_Thing.md}} {{#include ./Old_Thing.md:2:4}}\n"
                '{% content-ref url="Old_Thing.md" %}\n'
                "[Old_Thing.md](Old_Thing.md)\n"
                "{% endcontent-ref %}\n"
            ),
        },
        {"book/part/Old_Thing.md": "book/part/new-thing.md", "src/ch/Old_Thing.md": "src/ch/new-thing.md"},
    ),
    "github": (
        {
            "docs/Old_Thing.md": ("# x\n[up](../README.md)\n"),
            "README.md": (
                "[![b](https://img.shields.io/x)](docs/Old_Thing.md)\n"
                "[a]: docs/Old_Thing.md\n"
                "[Old_Thing.md](docs/Old_Thing.md)\n"
                "<docs/Old_Thing.md>\n"
                '<p align="center"><a href="docs/Old_Thing.md">x</a> · <a '
                "href='./docs/Old_Thing.md#q'>y</a></p>\n"
                "\n"
                "> quote [q](docs/Old_Thing.md)\n"
                "> - [r](/docs/Old_Thing.md)\n"
                "\n"
                "1. x\n"
                "   ```sh\n"
                "   cat docs/Old_Thing.md\n"
                "   ```\n"
                '   [s](docs/Old_Thing.md "t")\n'
                "\n"
                "https://github.com/o/r/blob/main/docs/Old_Thing.md "
                "https://github.com/o/r/blob/v1.0/docs/Old_Thing.md "
                "https://raw.githubusercontent.com/o/r/main/docs/Old_Thing.md\n"
                '[fn]: <docs/Old_Thing.md> "x"\n'
                "<details>\n"
                "<summary>[z](docs/Old_Thing.md)</summary>\n"
                "[zz](docs/Old_Thing.md)\n"
                "</details>\n"
            ),
            "package.json": (
                '{"repository":"github:o/r","files":["docs/Old_Thing.md"],"homepage":"https://github.com/o'
                '/r#readme","scripts":{"lint":"mdl docs/Old_Thing.md"}}\n'
            ),
            "MANIFEST.in": "include docs/Old_Thing.md\n",
            "pyproject.toml": ('[project]\nreadme = "docs/Old_Thing.md"\n'),
            "Makefile": ("x:\n\tcat ./docs/Old_Thing.md\n"),
            "a/b.py": ('# see docs/Old_Thing.md\nP = "../docs/Old_Thing.md"\n'),
            "CHANGELOG.md": ("- add docs/Old_Thing.md\n- see [x](docs/Old_Thing.md)\n"),
            "docs/b.md": (
                "[x](Old_Thing.md) [y](./Old_Thing.md?plain=1#L1) [z](../docs/Old_Thing.md) "
                "![i](Old_Thing.md) \\[no](x)\n"
                "`[code](Old_Thing.md)`\n"
            ),
            ".github/ISSUE.md": "[x](../docs/Old_Thing.md)",
        },
        {"docs/Old_Thing.md": "docs/new-thing.md"},
    ),
    "readme-index": (
        {
            "docs/plugins/README.md": ("# x\n[a](../a.md)\n"),
            "README.md": (
                "[p](docs/plugins) [q](docs/plugins/) [r](./docs/plugins/README.md#x) [s](docs/plugins/readme.md)\n"
            ),
            "docs/a.md": "[p](plugins/) [p](./plugins) [q](plugins/README.md)\n",
        },
        {"docs/plugins/README.md": "docs/plugins.md"},
    ),
    "redirects": (
        {
            "content/Old.md": "x\n",
            "static/_redirects": ("# c\n/a /Old 301\n/b /Old/ 302!\n/Old /Old2\n"),
            "netlify.toml": ('[[redirects]]\nfrom = "/x"\nto = "/Old"\n'),
            "content/z.md": "<https://x.org/Old>\n",
        },
        {"content/Old.md": "content/new.md"},
    ),
    "astro": (
        {
            "src/content/docs/en/guides/old-one.mdx": ('---\ntitle: x\n---\nimport X from "~/components/X.astro"\n'),
            "src/content/docs/en/b.mdx": (
                "---\n"
                "title: b\n"
                "---\n"
                "[a](/en/guides/old-one/) [b](/en/guides/old-one/#x)\n"
                '<LinkCard title="x" href="/en/guides/old-one/" />\n'
                "<Steps>\n"
                "1. [x](/en/guides/old-one/)\n"
                "</Steps>\n"
            ),
            "src/content/docs/fr/b.mdx": "[a](/fr/guides/old-one/) [b](/en/guides/old-one/)\n",
            "astro.config.mjs": (
                "export default {sidebar: [{ slug: 'guides/old-one' }, {link: '/en/guides/old-one/'}], "
                "redirects: {'/x': '/en/guides/old-one/'}}\n"
            ),
            "src/i18n/en/nav.ts": ("export default [{ text: 'x', slug: 'guides/old-one', key: 'guides/old-one' }]\n"),
        },
        {"src/content/docs/en/guides/old-one.mdx": "src/content/docs/en/guides/new-one.mdx"},
    ),
    "mintlify": (
        {
            "docs/guides/old_one.mdx": "x",
            "docs/docs.json": (
                '{"navigation":{"groups":[{"pages":["guides/old_one", '
                '"index"]}]},"redirects":[{"source":"/x","destination":"/guides/old_one"}]}\n'
            ),
            "docs/a.mdx": ('<Card title="x" href="/guides/old_one">\n</Card>\n[x](/guides/old_one)\n'),
        },
        {"docs/guides/old_one.mdx": "docs/guides/new-one.mdx"},
    ),
    "moved-folder": (
        {
            "docs/old/a.md": "[b](b.md) [r](../../README.md) ![i](img/i.png) [c](../c.md)\n",
            "docs/old/b.md": "[a](./a.md)\n",
            "docs/old/img/i.png": "x",
            "docs/c.md": "[a](old/a.md) [b](old/b.md#x) ![](old/img/i.png)\n",
            "README.md": "[a](docs/old/a.md) `docs/old/`\n",
            "mkdocs.yml": ("nav:\n- old/a.md\n- x: old/b.md\n"),
        },
        {
            "docs/old/a.md": "docs/new/a.md",
            "docs/old/b.md": "docs/new/b.md",
            "docs/old/img/i.png": "docs/new/img/i.png",
        },
    ),
}
"""Name → (path → text, old path → new path)."""

STAYS = {
    "vitepress": ["{ text: 'Old Thing', link"],
    "github": ["blob/v1.0/docs/Old_Thing.md", "- add docs/Old_Thing.md", "`[code](Old_Thing.md)`"],
    "readme-index": ["docs/plugins/readme.md"],
    "redirects": ["/Old /Old2", "<https://x.org/Old>"],
    "astro": ["[a](/fr/guides/old-one/)"],
}
"""What keeps its old name: words for people, a tag's own tree, history, code, links that led nowhere, other sites."""
