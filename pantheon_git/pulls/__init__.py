"""Local PRs: gated branches that wait for a person, and what becomes of them."""
