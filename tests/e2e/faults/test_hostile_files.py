"""Files that cost an unwary reader its process or its memory, saved where a real one looks."""

from sandbox.fixtures import Happened
from tests.e2e.faults.followed_folder import FollowedFolder

NO_ALIASES = "anchors and aliases are not supported\n  hint: use `extends` to share settings"
BOMB = "a0: &a0 x\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10)
)
UNKNOWN = (
    "unknown field; a profile takes description, extends, overrides, stt, vad, turn_detector,"
    " turn_handling, realtime, tts, session"
)
LOGGED = 50  # problems of a refusal; the others are counted

# The place of each anchor and alias, line by line.
COLUMNS = [[5], *[[5, *range(10, 55, 5)]] * 9]
BOMBS = [
    problem
    for line, columns in enumerate(COLUMNS, 1)
    for problem in (
        f"{line}:1: a{line - 1}: {UNKNOWN}",
        *(f"{line}:{column}: {NO_ALIASES}" for column in columns),
    )
]
HOSTILE = {
    "a bomb of aliases": (BOMB, BOMBS),
    "a bomb of merge keys": (
        "a: &a\n  <<: [*a, *a]\n",
        [f"1:1: a: {UNKNOWN}", *(f"{place}: {NO_ALIASES}" for place in ("1:4", "2:8", "2:12"))],
    ),
    "25,000 brackets": ("[" * 25_000, ["1:17: nested deeper than 16"]),
    "10 MB": (
        "#" * 10_000_000,
        ["1:1: the file is larger than 32768 bytes, the limit of a profile"],
    ),
}


def test_fault_40_41_43_hostile_files_are_rejected(
    followed: FollowedFolder, happened: Happened
) -> None:
    """Each is refused with its place, and the process that follows the folder lives on."""
    hostile = followed.folder / "hostile.yaml"
    before = followed.in_force
    for content, problems in HOSTILE.values():
        followed.write("hostile.yaml", content)
        logged = [f"profiles/hostile.yaml:{problem}" for problem in problems[:LOGGED]]
        more = len(problems) - len(logged)
        if more:
            logged.append(f"... and {more} more; see `timing-profiles check`")
        followed.keeps(*logged)
    assert followed.process.poll() is None
    hostile.unlink()
    recovered = followed.serves()
    happened(f"{', '.join(HOSTILE)}: kept {before}, gauge 0; the process lives", recovered)
