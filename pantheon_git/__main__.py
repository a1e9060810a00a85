"""`python -m pantheon_git`: the same as the command `pantheon-git`."""

from __future__ import annotations

import sys

from pantheon_git.cli.main import main

sys.exit(main())
