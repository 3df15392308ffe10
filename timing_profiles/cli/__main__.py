"""Run `python -m timing_profiles.cli` where the command is not on PATH."""

import sys

from timing_profiles.cli import main

sys.exit(main())
