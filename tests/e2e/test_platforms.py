"""What `make lock` says of systems that are not here, with the real uv."""

import hashlib
from pathlib import Path

import pytest

from installation import platforms
from tests.e2e.made_wheel import make_wheel

pytestmark = pytest.mark.behind


@pytest.mark.parametrize(
    ("tag", "status", "lacking"),
    [
        ("py3-none-any", 0, ()),
        ("py3-none-manylinux_2_28_x86_64", 1, ("Linux on arm64", "macOS", "Windows")),
        ("py3-none-macosx_15_0_universal2", 1, ("Linux", "macOS", "Windows")),
        ("py3-none-macosx_14_0_universal2", 1, ("Linux", "Windows")),
    ],
)
def test_systems_without_a_wheel_are_named(
    tag: str,
    status: int,
    lacking: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With uv's reason for each Python."""
    wheel = tmp_path / f"made_up-1.0-{tag}.whl"
    make_wheel(wheel, {})
    lock = tmp_path / "made-up.lock"
    lock.write_text(f"made-up==1.0 --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}")
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path))
    assert platforms.main([lock]) == status
    printed = capsys.readouterr().out.splitlines()
    assert [line for line in printed if not line.startswith(("Python", " "))] == [
        f"{name}: {'FAILED' if name.startswith(lacking) else 'wheels for Python 3.10 to 3.14'}"
        for name in platforms.PLATFORMS
    ]
    reasons = [line for line in printed if "made-up==1.0 has no" in line]
    failed = sum(name.startswith(lacking) for name in platforms.PLATFORMS)
    assert len(reasons) == failed * len(platforms.PYTHONS)
