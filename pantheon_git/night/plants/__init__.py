"""Changes whose worth is known, made by rule from a night's own good ones: what reviewers are measured on."""
