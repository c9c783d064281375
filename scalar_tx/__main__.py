"""``python -m scalar_tx``: the command line."""

from __future__ import annotations

from scalar_tx.cli import main

if __name__ == "__main__":
    main()
