"""The sandbox: one jail per job, with the tool host inside. Bubblewrap, or the same from namespaces; never less."""
