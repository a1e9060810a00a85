"""What people write: tasks, flows, agents, policy and configuration. Frozen models, TOML in and out."""
