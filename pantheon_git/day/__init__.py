"""What a person does by day: setting a repository up, queueing tasks, checking what was written."""
