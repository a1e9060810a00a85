"""The gate: the deterministic verdict on a job, from signed records and git objects alone."""
