"""The wheel and the sdist."""

import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from installation.command import StepError, output

_ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Package:
    """The files that users install.

    Attributes:
        wheel: As built from the repository, and from the sdist: they are the same.
        sources: The unpacked sdist without the package itself, so that its tests import another.
    """

    wheel: Path
    sources: Path


async def build(folder: Path) -> Package:
    """Build both, with the build backend of this environment, which the lock names.

    Raises:
        StepError: One cannot be built, or the sdist makes another wheel.
    """
    made, unpacked = folder / "made", folder / "unpacked"
    await output(_command("--sdist", "--wheel", _ROOT, made), _ROOT)
    with tarfile.open(next(made.glob("*.tar.gz"))) as archive:
        archive.extractall(unpacked)  # noqa: S202 - our own
    sources = next(unpacked.iterdir())
    await output(_command("--wheel", sources, folder / "again"), folder)
    wheel = next(made.glob("*.whl"))
    if differing := differences(wheel, folder / "again" / wheel.name):
        raise StepError(f"the sdist makes another wheel: {', '.join(differing)}")
    (sources / "timing_profiles").rename(folder / "not-imported")
    return Package(wheel, sources)


def _command(*words: str | Path) -> list[str | Path]:
    *options, target = words
    return [sys.executable, "-m", "build", "--no-isolation", "--outdir", target, *options]


def differences(one: Path, other: Path) -> list[str]:
    """Return the names of the files that two wheels do not have in common, sorted."""
    first, second = _contents(one), _contents(other)
    names = first.keys() | second.keys()
    return sorted(name for name in names if first.get(name) != second.get(name))


def _contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
