"""The command `timing-profiles`: check a set of profiles and look into it."""

from timing_profiles.cli.main import main as main
