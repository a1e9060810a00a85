"""All that a night leaves behind: signed, chained, kept in git, readable with stock git, checked with a public key."""
