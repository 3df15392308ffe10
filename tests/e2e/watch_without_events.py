"""A program that edits a folder under a watcher; prints the value that it publishes in the end."""

import asyncio
import shutil
import sys
from pathlib import Path

from timing_profiles import catalog
from timing_profiles.catalog import Catalog
from timing_profiles.watch import Watcher


async def main(source: Path, folder: Path) -> None:
    """Watch a copy, and edit it once it is watched."""
    shutil.copytree(source, folder)
    published: asyncio.Queue[Catalog] = asyncio.Queue()
    watcher = Watcher(folder, catalog.load(folder), published.put_nowait)
    watching = asyncio.create_task(watcher.run())
    await asyncio.sleep(0.5)
    brisk = folder / "brisk.yaml"
    brisk.write_text(brisk.read_text().replace("min_delay: 0.3", "min_delay: 0.35"))
    fresh = await asyncio.wait_for(published.get(), 20)
    watching.cancel()
    print(fresh.layers["brisk"].sets["turn_handling.endpointing.min_delay"])  # noqa: T201


asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]) / "profiles"))
