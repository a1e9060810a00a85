"""Renaming files: names, the moves with every reference rewritten, and the check behind it."""
