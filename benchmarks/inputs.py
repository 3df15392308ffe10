"""What every benchmark asks for: a profile of this repository, and three overrides."""

import json
from pathlib import Path

ROOT = Path(__file__).parents[1]

PROFILES = ROOT / "profiles"

PROFILE = "patient"

OVERRIDES = {
    "stt": {"nova": {"endpointing_ms": 300}},
    "turn_handling": {"endpointing": {"min_delay": 1.2, "max_delay": 3.0}},
}

METADATA = json.dumps({"profile": PROFILE, "overrides": OVERRIDES})

LLM_MODEL = "openai/gpt-4.1-mini"
