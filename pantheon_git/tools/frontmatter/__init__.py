"""Front matter of Markdown documents: read, draft, gate, write, check."""
