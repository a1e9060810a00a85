"""Licence headers in a file's own comment style. Standard library only.

Not `reuse annotate` (FSFE), which knows more kinds of comments: it writes SPDX tags of its own form, and the words that
a repository has already are what is wanted; it would also bring five packages into every jail.
"""
