"""`python -m engine`: the same requests as the pages, without a browser."""

from __future__ import annotations

import sys

from engine.cli import main

if __name__ == "__main__":
    sys.exit(main())
