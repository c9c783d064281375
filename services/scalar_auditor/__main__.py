"""``python -m scalar_auditor``: the command line."""

from __future__ import annotations

from scalar_auditor.cli import main

if __name__ == "__main__":
    main()
