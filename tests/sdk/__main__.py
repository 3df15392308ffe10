"""`make drift`: what the newest release of the SDK has changed."""

import sys
from typing import TextIO

from tests.sdk import installed, known
from tests.sdk.contracts import CONTRACTS
from tests.sdk.drift import KNOWN, drift
from tests.sdk.known import Known
from tests.sdk.newest import NewestError, Release, newest

_WHAT_TO_DO = """\
Find what the SDK does instead, change timing_profiles/call/sdk_internals.py, and the contract in
tests/sdk/contracts.py."""


def main(expected: Known) -> int:
    """Install the newest release, and say what it has changed.

    Returns:
        The exit status: 0 for nothing, 1 for drift, 2 where nothing could be compared.
    """
    _say(sys.stderr, "installing the newest release into a temporary folder: half a minute")
    try:
        release = newest()
    except NewestError as error:
        _say(sys.stderr, f"nothing is compared: {error}")
        return 2
    _say(sys.stdout, f"installed here: {installed.listed(installed.versions())}")
    _say(sys.stdout, f"newest release: {installed.listed(release.versions)}\n")
    status, told = outcome(expected, release)
    _say(sys.stdout, told)
    return status


def outcome(expected: Known, release: Release) -> tuple[int, str]:
    """The exit status, and what people are told of a release."""
    drifted = drift(expected.options, release.options, release.unreadable)
    said = [drifted] if drifted else []
    said += [f"Broken: {used}.\n{why}" for used, why in release.broken.items()]
    if release.broken:
        said.append(_WHAT_TO_DO)
    said += [release.rehearsed] if release.rehearsed else []
    if said:
        return 1, "\n\n".join(said)
    compared = f"{len(release.options)} options, all as {KNOWN} has them"
    return 0, (
        f"No drift: {compared}, {len(CONTRACTS)} uses that are not public, and the decisions of all"
        " starter profiles on synthetic calls."
    )


def _say(stream: TextIO, message: str) -> None:
    print(message, file=stream, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main(known.load(known.PATH.read_text(encoding="utf-8"))))
    except KeyboardInterrupt:
        sys.exit(130)
