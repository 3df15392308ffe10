"""The page's JavaScript: its types, and the modules that need no browser."""

import asyncio
import json
import os
from pathlib import Path

import pytest

from tests.e2e.language_server import NODE
from tests.e2e.tune.browser import HERE, modules
from timing_profiles.tuner.page_files import FOLDER


async def ran(*command: str | Path, **environment: str) -> tuple[int | None, str]:
    """Run node; return its status and all that it printed."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *(NODE, *command),
        stdout=pipe,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, **environment},
    )
    output, _ = await process.communicate()
    return process.returncode, output.decode()


async def test_types_fit(tmp_path: Path) -> None:
    """TypeScript finds nothing in the page's modules, in its strictest mode."""
    options = {
        "allowJs": True,
        "checkJs": True,
        "noEmit": True,
        "strict": True,
        "types": [],
        "target": "es2024",
        "module": "esnext",
        "moduleResolution": "bundler",
        "lib": ["es2024", "dom", "dom.iterable"],
        "skipLibCheck": True,
        "noUnusedLocals": True,
        "noImplicitReturns": True,
        "noUncheckedIndexedAccess": True,
        "paths": {"livekit-client": [str(modules() / "livekit-client")]},
    }
    # TypeScript knows no types of the audio thread.
    project = {
        "compilerOptions": options,
        "include": [f"{FOLDER}/*.js", f"{FOLDER}/*.d.ts"],
        "exclude": [f"{FOLDER}/levels.worklet.js"],
    }
    file = tmp_path / "tsconfig.json"
    file.write_text(json.dumps(project), encoding="utf-8")
    compiler = modules() / "typescript" / "bin" / "tsc"
    if not compiler.is_file():
        pytest.skip("the npm packages are not installed: run `make test` once")
    assert await ran(compiler, "--project", file) == (0, "")


async def test_modules_without_a_browser() -> None:
    """Wait, time axis, speech, diff, values, turn, tape and WAV, as modules.test.mjs has them."""
    status, output = await ran("--test", HERE / "modules.test.mjs", PAGE=str(FOLDER))
    assert status == 0, output
    assert "# fail 0" in output or "fail 0" in output
