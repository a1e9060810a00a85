"""The repository: the only place that calls stock git."""
