"""The unit tests of the sdist, on the package that is installed."""

import re
import shutil
from pathlib import Path

from installation.command import StepError, last_lines, output
from installation.environments import Environment, add_what_tests_import
from installation.package import Package


async def passed(made: Environment, package: Package, folder: Path) -> str:
    """Run them where there is no other `timing_profiles` to import.

    Args:
        made: Where the package is installed.
        package: Whose tests.
        folder: For a copy of them; it does not exist.

    Returns:
        Such as `1234 passed, 5 skipped`.

    Raises:
        StepError: One fails, or the package comes from elsewhere.
    """
    await add_what_tests_import(made)
    shutil.copytree(package.sources, folder)
    python = made.bin / "python"
    where = "import timing_profiles; print(timing_profiles.__file__)"
    imported = Path((await output([python, "-c", where], folder)).strip())
    if not imported.is_relative_to(made.folder):
        raise StepError(f"the tests would import {imported}, which is not the wheel's")
    # Many examples here, where no coverage makes each of them slow.
    examples = "--hypothesis-profile=many"
    options = ("--part", "units", "--quiet", "--tb=short", "-p", "no:cacheprovider", examples)
    text = await output([python, "-m", "pytest", *options], folder)
    summary = re.search(r"^(\d+ passed.*?) in [\d.]+s", text, re.MULTILINE)
    if summary is None:
        raise StepError(f"pytest counted no tests:\n{last_lines(text)}")
    return summary[1]
