"""A project of its own, with the starter profiles and all those that the pages show."""

import json
import re
import shutil
from pathlib import Path

from tests.markdown import ROOT, Block, of_sort
from timing_profiles.authoring.metadata_schema import metadata_schema
from timing_profiles.catalog import catalog
from timing_profiles.catalog.catalog import Catalog

STARTERS = {path.stem for path in (ROOT / "profiles").glob("*.yaml")}


def name(block: Block) -> str:
    """The name of a profile that is shown: the stem of the file in its first line."""
    found = re.match(r"# profiles/([a-z0-9-]+)\.yaml\n", block.text)
    assert found, f"{block}: its first line does not name its file"
    return found.group(1)


def profiles() -> dict[str, Block]:
    """The profiles that are shown, by name, but for the starters."""
    return {name(block): block for block in of_sort("profile") if name(block) not in STARTERS}


def project(folder: Path) -> Catalog:
    """Make the project in a folder, with its `metadata-schema.json`; return its set."""
    shutil.copytree(ROOT / "profiles", folder / "profiles")
    shutil.copy(ROOT / "schema.json", folder)
    for stem, block in profiles().items():
        (folder / "profiles" / f"{stem}.yaml").write_text(block.text, encoding="utf-8")
    write_metadata_schema(folder)
    return catalog.load(folder / "profiles")


def write_metadata_schema(folder: Path) -> None:
    """What `timing-profiles metadata-schema` prints, in the project's `metadata-schema.json`."""
    schema = metadata_schema(catalog.load(folder / "profiles"))
    (folder / "metadata-schema.json").write_text(json.dumps(schema), encoding="utf-8")
