"""The image's folder, laid out as the Dockerfile says, and its programs run there."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.dockerfile import copied, said
from tests.markdown import ROOT


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the image has in its working folder."""
    folder = tmp_path_factory.mktemp("image")
    for target, sources in copied().items():
        into = folder / target
        if into.is_relative_to(folder):  # what the other stage copies goes elsewhere
            into.mkdir(parents=True, exist_ok=True)
            for source in sources:
                put(ROOT / source, into)
    return folder


def put(source: Path, into: Path) -> None:
    """Copy as docker does: a file, or what is in a folder."""
    if source.is_dir():
        shutil.copytree(
            source, into, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__")
        )
    else:
        shutil.copy(source, into)


def run(image: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python there, without the settings of the tests."""
    return subprocess.run(  # noqa: S603 - our own words
        [sys.executable, *words],
        cwd=image,
        env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_image_runs_a_worker(image: Path) -> None:
    """It starts until it misses its key: code and profiles are there, and valid."""
    (command,) = said("CMD")
    program, *words = json.loads(command)
    ended = run(image, *words)
    problem = "DEEPGRAM_API_KEY: is not set; Deepgram takes no call without it"
    printed = [line for line in ended.stderr.splitlines() if line.startswith("DEEPGRAM")]
    assert (program, ended.returncode, printed) == ("python", 1, [problem])
    assert "Traceback" not in ended.stdout + ended.stderr


def test_the_image_has_the_command_line(image: Path) -> None:
    """As the page about operations has it, for whoever looks into a container."""
    ended = run(image, "-m", "timing_profiles.cli", "check")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_image_reads_fallbacks_from_the_package(image: Path) -> None:
    """The fallback profiles of calls are in the package, and are the image's own."""
    code = "from timing_profiles.catalog import schema_file as s; print(*map(s.packaged, {names}))"
    names = ("default.yaml", "schema.json")
    ended = run(image, "-c", code.format(names=names))
    packaged = image / "timing_profiles" / "packaged"
    assert ended.stdout.split() == [
        str(packaged / path) for path in ("profiles/default.yaml", "schema.json")
    ]
    assert (packaged / "profiles" / "default.yaml").read_bytes() == (
        ROOT / "profiles" / "default.yaml"
    ).read_bytes()
