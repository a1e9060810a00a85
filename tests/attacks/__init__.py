"""Attacks on the jail, as tables of small scripts: each succeeds outside where that is possible and harmless, and inside
none may. `python -m tests.attacks` runs all of them at every level, as root and as an ordinary user, and prints a table.
"""
