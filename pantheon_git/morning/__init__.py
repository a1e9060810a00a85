"""The morning: what a night did, from its signed records alone, for a terminal and as Markdown."""
