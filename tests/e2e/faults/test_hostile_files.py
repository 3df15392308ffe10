"""Files that cost an unwary reader its process or its memory, saved where a real one looks."""

from sandbox.fixtures import Happened
from tests.e2e.faults.followed_folder import FollowedFolder

NO_ALIASES = "anchors and aliases are not supported\n  hint: use `extends` to share settings"
BOMB = "a0: &a0 x\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10)
)
HOSTILE = {
    "a bomb of aliases": (BOMB, f"1:5: {NO_ALIASES}"),
    "a bomb of merge keys": ("a: &a\n  <<: [*a, *a]\n", f"1:4: {NO_ALIASES}"),
    "25,000 brackets": ("[" * 25_000, "1:17: nested deeper than 16"),
    "10 MB": (
        "#" * 10_000_000,
        "1:1: the file is larger than 32768 bytes, the limit of a profile",
    ),
}


def test_fault_40_41_43_hostile_files_are_rejected(
    followed: FollowedFolder, happened: Happened
) -> None:
    """Each is refused with its place, and the process that follows the folder lives on."""
    hostile = followed.folder / "hostile.yaml"
    before = followed.in_force
    for content, problem in HOSTILE.values():
        followed.write("hostile.yaml", content)
        followed.keeps(f"profiles/hostile.yaml:{problem}")
    assert followed.process.poll() is None
    hostile.unlink()
    recovered = followed.serves()
    happened(f"{', '.join(HOSTILE)}: kept {before}, gauge 0; the process lives", recovered)
