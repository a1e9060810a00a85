"""The sandbox: one jail per job, with the tool host inside. Bubblewrap, or the same from namespaces; never less.

    runner ── start.py ──▶ launch.py            a small process with an empty environment: leaves root, makes a user
                           │                    and a mount namespace, and in it
                           ├─ assemble.py       the root that a job sees: the same for both levels
                           ├─ bwrap …           level bubblewrap
                           └─ namespaces.py     level namespaces: the same by our own hand, and Landlock
                              └─ host.py        tools run here; processes.py runs programs for checks
    runner ◀─ open.py ─────── one JSON line per answer, capped
    runner ◀─ collect.py ──── the upper folder, read with no-follow
    attest.py                 probes outside and inside (trial.py), before every night
    streams.py                a person's own command in such a jail: `jail exec`

What a jail does not cover: a defect in the kernel that an unprivileged process may reach; the time and the load that a
job takes from others (CPU is bounded per job, not shared out); what a job learns from /usr, /proc/cpuinfo and the
machine's clock; a document or a test that deceives the model or the person. Disk use and, where control groups are not
writable, the memory of several processes together are watched a few times a second and not enforced at each step.
"""
