"""Run `python -m timing_profiles.cli` where the command is not on PATH."""

import sys

from timing_profiles.cli import main

if __name__ == "__main__":  # processes of `rehearse` import this file too
    sys.exit(main())
