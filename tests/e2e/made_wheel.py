"""Wheels that are made up."""

import zipfile
from collections.abc import Mapping
from pathlib import Path


def make_wheel(path: Path, files: Mapping[str, str]) -> None:
    """Build the wheel of a package without dependencies; its name has the version and the tags."""
    name, version, tag = path.stem.split("-", 2)
    about = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: {version}\n"
    tags = f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n"
    files = {**files, f"{about}/METADATA": metadata, f"{about}/WHEEL": tags}
    record = "".join(f"{file},,\n" for file in (*files, f"{about}/RECORD"))
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in {**files, f"{about}/RECORD": record}.items():
            archive.writestr(file, text)
