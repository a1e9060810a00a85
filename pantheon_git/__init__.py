"""pantheon-git: small local models do narrow chores at night, signed into git, for a person to merge in the morning."""

__version__ = "0.1.0"
