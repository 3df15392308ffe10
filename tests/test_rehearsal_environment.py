"""Which releases of the SDK can be rehearsed under, and what they are made of."""

from importlib import metadata

import pytest

from timing_profiles.rehearsal import environment
from timing_profiles.rehearsal.environment import EnvironmentUnavailableError, requirements

INSTALLED = metadata.version("livekit-agents")
OURS = metadata.version("timing-profiles")
OTHER = next(one for one in ("1.8.0", "1.8.1") if one != INSTALLED)


@pytest.mark.parametrize(
    ("version", "reason"),
    [
        ("latest", 'invalid version "latest": expected one such as 1.8.9'),
        ("1.8.9; rm", 'invalid version "1.8.9; rm": expected one such as 1.8.9'),
        ("--help", 'invalid version "--help": expected one such as 1.8.9'),
        (INSTALLED, f"livekit-agents {INSTALLED} is installed: name another release"),
        (
            "1.5.0",
            f"livekit-agents 1.5.0 is not supported by timing-profiles {OURS}: >=1.8.0, <1.9",
        ),
        (
            "1.9.0rc1",
            f"livekit-agents 1.9.0rc1 is not supported by timing-profiles {OURS}: >=1.8.0, <1.9",
        ),
    ],
)
def test_release_that_cannot_be_rehearsed_under(version: str, reason: str) -> None:
    """The message has the reason."""
    with pytest.raises(EnvironmentUnavailableError) as raised:
        requirements(version)
    assert str(raised.value) == reason


def test_environment_has_declared_packages_with_sdk_pinned() -> None:
    """LiveKit's packages of that release, and the others in our ranges."""
    found = requirements(OTHER)
    assert found[:2] == [f"livekit-agents=={OTHER}", f"livekit-plugins-deepgram=={OTHER}"]
    assert "pyyaml>=6" in found
    assert not any(one.startswith(("livekit-agents<", "livekit-agents>")) for one in found)


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        (
            (
                "error: No solution found when resolving dependencies\n  cause: Because there is no"
                " version of livekit-agents==1.8.99 and you require livekit-agents==1.8.99, we can"
            ),
            "livekit-agents 1.8.99 is not in the configured package index",
        ),
        (
            (
                "ERROR: Could not find a version that satisfies the requirement"
                " livekit-agents==1.8.99 (from versions: 1.8.8, 1.8.9)\n"
                "ERROR: No matching distribution found for livekit-agents==1.8.99"
            ),
            "livekit-agents 1.8.99 is not in the configured package index",
        ),
        (
            (
                "error: Failed to fetch: https://packages.example/simple/livekit-agents/\n"
                "  cause: error sending request\n"
            ),
            (
                "livekit-agents 1.8.99: the package index cannot be reached: error:"
                " Failed to fetch: https://packages.example/simple/livekit-agents/"
            ),
        ),
        (
            "ERROR: No space left on device",
            (
                "livekit-agents 1.8.99: the packages cannot be installed:"
                " ERROR: No space left on device"
            ),
        ),
        ("", "livekit-agents 1.8.99: the packages cannot be installed"),
    ],
)
def test_failed_installation_is_one_line(output: str, reason: str) -> None:
    """The output of uv and pip becomes the reason."""
    assert environment.reason(output, "1.8.99") == reason
