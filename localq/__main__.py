"""`python -m localq`: the same program as `localq`."""

from __future__ import annotations

from localq.cli import main

if __name__ == "__main__":
    main()
