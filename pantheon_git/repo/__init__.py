"""The repository: the only place that calls stock git, and the only one that uses dulwich."""
