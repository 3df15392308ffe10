"""Folders of profiles: read as one set, checked, and merged."""

import os
import shutil
import socket
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from sandbox.fixtures import Happened
from tests.odd_files import make_dangling, make_device, make_fifo, make_folder, make_loop
from timing_profiles.catalog import catalog, folder
from timing_profiles.catalog.catalog import Catalog
from timing_profiles.catalog.schema import Schema
from timing_profiles.catalog.schema_file import HOW_TO_ADD
from timing_profiles.handoff import snapshot
from timing_profiles.handoff.snapshot import Snapshot
from timing_profiles.problems import Problem, ProfilesError, quoted

ROOT = Path(__file__).parent.parent
CASES = Path(__file__).parent / "cases"
DEFAULT = ROOT / "profiles" / "default.yaml"
SCHEMA = Schema((ROOT / "schema.json").read_text())

MIN_DELAY = "turn_handling.endpointing.min_delay"


def cases(kind: str) -> list[ParameterSet]:
    """The folders of a kind; a `bug.txt` in one says why it does not hold yet."""
    return [as_parameter(case) for case in sorted((CASES / kind).iterdir())]


def as_parameter(case: Path) -> ParameterSet:
    bug = case / "bug.txt"
    marks = [pytest.mark.xfail(strict=True, reason=bug.read_text().strip())] if bug.exists() else []
    return pytest.param(case, id=case.name, marks=marks)


def laid_out(case: Path, tmp_path: Path) -> Path:
    """The files of a case, over the real default.yaml unless the case has its own, or none."""
    profiles = tmp_path / "profiles"
    shutil.copytree(case / "profiles", profiles)
    if not (case / "no-default").exists() and not (profiles / "default.yaml").exists():
        shutil.copy(DEFAULT, profiles)
    return profiles


@pytest.mark.parametrize("case", cases("invalid"))
def test_broken_set_is_refused_with_all_its_problems(case: Path, tmp_path: Path) -> None:
    """Every problem of every file is printed, with its place, sorted."""
    with pytest.raises(ProfilesError) as caught:
        catalog.load(laid_out(case, tmp_path))
    assert f"{caught.value}\n" == (case / "expected.txt").read_text()


@pytest.mark.parametrize("case", cases("valid"))
def test_valid_set_is_merged(case: Path, tmp_path: Path) -> None:
    """Every profile has its values with their places; a dead setting is a warning."""
    loaded = catalog.load(laid_out(case, tmp_path))
    assert "".join(f"{line}\n" for line in report(loaded)) == (case / "expected.txt").read_text()


def report(loaded: Catalog) -> Iterator[str]:
    yield from (str(warning) for warning in loaded.warnings)
    default = loaded.profile("default")
    assert default is not None
    for name in loaded.names():
        profile = loaded.profile(name)
        assert profile is not None
        for path, value in profile.values.items():
            if profile.origins[path] != default.origins[path]:
                yield f"{name}: {path}: {quoted(value)} ({profile.origins[path]})"


def test_cases_keep_their_bytes() -> None:
    """`.gitattributes` keeps the line ends and the encoding of the cases."""
    assert "tests/cases/** -text" in (ROOT / ".gitattributes").read_text().splitlines()
    assert b"\r\n" in (CASES / "valid/windows-file/profiles/patient.yaml").read_bytes()


@pytest.fixture
def profiles(tmp_path: Path) -> Path:
    """A sound folder: the real default.yaml."""
    found = tmp_path / "profiles"
    found.mkdir()
    shutil.copy(DEFAULT, found)
    return found


def problems(profiles: Path) -> list[str]:
    with pytest.raises(ProfilesError) as caught:
        catalog.load(profiles)
    return [str(problem) for problem in caught.value.problems]


def built(
    files: Mapping[str, str], before: Catalog | None = None, schema: Schema = SCHEMA
) -> Catalog:
    """A catalog of the real default.yaml and other files, from memory."""
    contents = {"default.yaml": DEFAULT.read_bytes()}
    contents |= {f"{name}.yaml": text.encode() for name, text in files.items()}
    return catalog.build(contents, schema, before, "profiles")


def test_starter_profiles_are_valid() -> None:
    """The profiles that come with the project are one set, without a warning."""
    loaded = catalog.load(ROOT / "profiles")
    assert loaded.names() == sorted(path.stem for path in (ROOT / "profiles").glob("*.yaml"))
    assert loaded.warnings == ()


def test_unknown_profile_is_none() -> None:
    """A name that is not in the set is not an error."""
    assert built({}).profile("nobody") is None


def test_label_names_the_files() -> None:
    """Files are shown as the user gave the folder, else by the folder's own name."""
    folders = [("", "profiles/default.yaml:"), ("calls/eu", "calls/eu/default.yaml:")]
    for label, start in folders:
        default = catalog.load(ROOT / "profiles", label=label).profile("default")
        assert default is not None
        assert default.origins["stt.engine"].startswith(start)


def test_layer_has_settings_of_its_file() -> None:
    """Description, parent, policy and settings of one file, as the file has them."""
    text = "description: Slow.\nextends: a\noverrides: {allow: [vad]}\ntts:\n  speed: 0.9\n"
    layer = built({"a": "{}", "b": text}).layers["b"]
    assert (layer.description, layer.extends, layer.allow) == ("Slow.", "a", ("vad",))
    assert (layer.sets, layer.origins) == ({"tts.speed": 0.9}, {"tts.speed": "profiles/b.yaml:5"})


def chain_of(count: int, first: str = "default") -> dict[str, bytes]:
    """Build a set in which each of some profiles extends the one before it, from `p000` on."""
    names = [first, *(f"p{number:03}" for number in range(count))]
    files = {f"{name}.yaml": f"extends: {below}".encode() for below, name in pairwise(names)}
    return {"default.yaml": DEFAULT.read_bytes(), **files}


def test_32_profiles_are_the_longest_chain() -> None:
    """A longer one is reported once, where it becomes too long; other profiles stay valid."""
    longest = catalog.build(chain_of(31), SCHEMA, None, "profiles")
    assert longest.profile("p030")
    with pytest.raises(ProfilesError) as caught:
        catalog.build(chain_of(1_000), SCHEMA, None, "profiles")
    assert str(caught.value) == (
        "profiles/p031.yaml:1:10: extends: more than 32 profiles in the chain of `extends`, "
        "default included"
    )


def test_fault_90_a_cycle_is_reported_once() -> None:
    """With its whole chain; the profiles beside it that extend one of its own add nothing."""
    files = chain_of(1_000, first="p999") | {"beside.yaml": b"extends: p500"}
    with pytest.raises(ProfilesError) as caught:
        catalog.build(files, SCHEMA, None, "profiles")
    names = " <- ".join(f"p{number % 1_000:03}" for number in range(1_001))
    assert str(caught.value) == f"profiles/p000.yaml:1:10: extends: extends itself: {names}"


def test_each_of_several_cycles_is_reported() -> None:
    """Wherever the walk begins, each has its own first name."""
    extends = {"b": "c", "c": "b", "a": "c", "z": "x", "y": "z", "x": "y", "self": "self"}
    files = {f"{name}.yaml": f"extends: {below}".encode() for name, below in extends.items()}
    with pytest.raises(ProfilesError) as caught:
        catalog.build(chain_of(0) | files, SCHEMA, None, "profiles")
    assert [problem.message for problem in caught.value.problems] == [
        "extends itself: b <- c <- b",
        "extends itself: self <- self",
        "extends itself: x <- z <- y <- x",
    ]


def test_policy_is_inherited_or_replaced() -> None:
    """A file without a policy keeps its parent's; `[]` allows nothing."""
    loaded = built(
        {
            "a": "overrides: {allow: [tts]}",
            "b": "extends: a",
            "c": "extends: b\noverrides: {allow: []}",
        }
    )
    found = {name: loaded.profile(name) for name in "abc"}
    assert {name: profile and profile.allow for name, profile in found.items()} == {
        "a": ("tts",),
        "b": ("tts",),
        "c": (),
    }


def test_default_that_misses_a_field_is_refused(profiles: Path) -> None:
    """default.yaml sets every field, so that no default of the SDK decides."""
    default = profiles / "default.yaml"
    lines = default.read_text().splitlines(keepends=True)
    kept = [line for line in lines if "min_delay:" not in line and "speed: null" not in line]
    default.write_text("".join(kept).replace("\ntts:", "\ntts: {}"))
    assert problems(profiles) == [
        f"profiles/default.yaml: tts.speed: default sets every field\n  hint: {HOW_TO_ADD}",
        f"profiles/default.yaml: {MIN_DELAY}: default sets every field",
    ]


# Revisions.


def test_revision_of_given_files_never_changes() -> None:
    """Logs, metrics and calls of earlier versions have the same number for the same files."""
    files = {"default.yaml": b"stt: {engine: nova}\n", "patient.yaml": b"tts: {speed: 0.9}\n"}
    assert catalog.revision(files, "{}") == "0a43c2d7e775"
    odd = {"caf\udce9.yaml": b"", "a-b.yaml": b"{}", "a.yaml": "# \u00e4\n".encode()}
    assert catalog.revision({**files, **odd}, '{"title": "\u00e4"}') == "6e7acbd6eacc"


def test_revision_is_12_hex_digits_of_the_content() -> None:
    """Equal sets have equal revisions, wherever they lie and in whatever order they are read."""
    first, second = (
        built({"a": "{}", "b": "tts: {speed: 0.9}"}),
        built({"b": "tts: {speed: 0.9}", "a": "{}"}),
    )
    assert first.revision == second.revision
    assert len(first.revision) == 12
    assert int(first.revision, 16) >= 0


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(built({"b": "{}"}), id="name"),
        pytest.param(built({"a": "{} "}), id="byte"),
        pytest.param(built({"a": "{}", "b": "{}"}), id="file"),
        pytest.param(built({}), id="missing-file"),
        pytest.param(built({"a": "{}"}, schema=Schema(f"{SCHEMA.text} ")), id="schema"),
    ],
)
def test_revision_differs_with_the_content(other: Catalog) -> None:
    """A name, a byte or the schema makes another revision."""
    assert other.revision != built({"a": "{}"}).revision


def test_file_with_same_bytes_is_not_parsed_again() -> None:
    """A reload reads only changed files, and has the result of a fresh start."""
    before = built({"a": "tts: {speed: 0.9}", "b": "{}"})
    after = built({"a": "tts: {speed: 0.9}", "b": "extends: a"}, before)
    assert after.files["a.yaml"] is before.files["a.yaml"]
    assert after.files["b.yaml"] is not before.files["b.yaml"]
    assert after == built({"a": "tts: {speed: 0.9}", "b": "extends: a"})


def test_file_with_same_bytes_elsewhere_is_not_parsed_again() -> None:
    """Two sets of a comparison share the data of a file, and each has places of its own."""
    contents = {"default.yaml": DEFAULT.read_bytes(), "a.yaml": b"tts: {speed: 0.9}"}
    main = catalog.build(contents, SCHEMA, None, "main:profiles")
    after = catalog.build(contents, SCHEMA, main, "profiles")
    assert after.files["a.yaml"].source.data is main.files["a.yaml"].source.data
    assert main.layers["a"].origins == {"tts.speed": "main:profiles/a.yaml:1"}
    assert after.layers["a"].origins == {"tts.speed": "profiles/a.yaml:1"}


@pytest.mark.parametrize("case", [*cases("valid"), *cases("invalid")])
def test_set_that_builds_on_another_label_is_as_a_fresh_one(case: Path, tmp_path: Path) -> None:
    """Every problem and every value has the place that it has in a set of its own."""
    profiles = laid_out(case, tmp_path)
    before = catalog.load_valid(profiles, "main:profiles")
    assert catalog.load_valid(profiles, before=before) == catalog.load_valid(profiles)


def test_another_schema_checks_every_file_again() -> None:
    """A value that one schema accepts, the next one may refuse."""
    before = built({"a": "tts: {speed: 0.9}"})
    tighter = Schema(SCHEMA.text.replace('"minimum": 0.7', '"minimum": 1.0'))
    with pytest.raises(ProfilesError, match=r"0\.9 is less than the minimum of 1\.0"):
        built({"a": "tts: {speed: 0.9}"}, before, tighter)


# Files and folders that cannot be read.


def test_missing_folder_is_refused(tmp_path: Path) -> None:
    """A missing folder is named, and so is a file in its place."""
    (tmp_path / "file").touch()
    assert problems(tmp_path / "nowhere") == ["nowhere: cannot be read: No such file or directory"]
    assert problems(tmp_path / "file") == ["file: cannot be read: Not a directory"]


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))


def make_unreadable(path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root reads every file")
    path.touch(mode=0)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (make_fifo, "not a regular file"),
        (make_folder, "is a directory"),
        (make_loop, "Too many levels of symbolic links"),
        (make_dangling, "No such file or directory"),
        (make_device, "not a regular file"),
        (make_socket, "No such device or address"),
        (make_unreadable, "Permission denied"),
    ],
)
def test_unreadable_file_is_refused_without_blocking(
    profiles: Path, make: Callable[[Path], None], reason: str
) -> None:
    """A pipe, a device, a folder or a broken link in the place of a profile never blocks."""
    make(profiles / "x.yaml")
    assert problems(profiles) == [f"profiles/x.yaml: cannot be read: {reason}"]


def test_all_unreadable_files_are_named(profiles: Path) -> None:
    """One run finds them all."""
    (profiles / "a.yaml").mkdir()
    (profiles / "b.yaml").symlink_to("nowhere")
    assert problems(profiles) == [
        "profiles/a.yaml: cannot be read: is a directory",
        "profiles/b.yaml: cannot be read: No such file or directory",
    ]


def test_unreadable_file_hides_no_other_problem(profiles: Path) -> None:
    """A file that cannot be read does not keep the problems of the others back."""
    (profiles / "a.yaml").mkdir()
    (profiles / "b.yaml").write_text("extends: nobody\n")
    assert problems(profiles) == [
        "profiles/a.yaml: cannot be read: is a directory",
        'profiles/b.yaml:1:10: extends: unknown profile "nobody"; available: b, default',
    ]


def test_unreadable_file_has_problem_instead_of_bytes(tmp_path: Path) -> None:
    """Every file of a folder has its bytes, or the reason why they are missing."""
    (tmp_path / "a.yaml").mkdir()
    (tmp_path / "b.yaml").write_bytes(b"{}")
    assert folder.read(tmp_path, "calls") == {
        "a.yaml": Problem("unreadable", "cannot be read: is a directory", file="calls/a.yaml"),
        "b.yaml": b"{}",
    }


def test_unreadable_file_leaks_no_descriptor(profiles: Path) -> None:
    """A broken folder that is read every few seconds does not use up the descriptors."""
    (profiles / "a.yaml").mkdir()
    make_fifo(profiles / "b.yaml")
    open_files = Path("/proc/self/fd")
    before = len(list(open_files.iterdir()))
    for _ in range(5):
        problems(profiles)
    assert len(list(open_files.iterdir())) == before


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        pytest.param(b"caf\xe9.yaml", r"caf\udce9", id="not-utf-8"),
        pytest.param("ä.yaml".encode(), "ä", id="umlaut"),
        pytest.param(b"a\nb.yaml", r"a\nb", id="line-break"),
        pytest.param(b"\x1b[2J.yaml", r"\x1b[2J", id="escape"),
        pytest.param(b"a b.yaml", "a b", id="space"),
    ],
)
def test_odd_file_name_is_shown_on_one_printable_line(
    profiles: Path, name: bytes, shown: str
) -> None:
    """A file name may be any bytes; only what a terminal would obey is escaped."""
    (profiles / os.fsdecode(name)).write_text("description: x\n")
    (problem,) = problems(profiles)
    first, _, hint = problem.partition("\n")
    assert first.startswith(f"profiles/{shown}.yaml: invalid profile name ")
    assert first.isprintable()
    assert hint == "  hint: at most 63 characters, no hyphen at either end"


def test_set_is_read_through_one_handle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that is swapped after its names were read gives one whole set, never a mixture."""
    for version in ("v1", "v2"):
        (tmp_path / version).mkdir()
        for name in ("a.yaml", "b.yaml"):
            (tmp_path / version / name).write_text(version)
    live = tmp_path / "live"
    live.symlink_to("v1")
    names = os.listdir

    def names_then_swap(handle: int) -> list[str]:
        found = names(handle)
        (tmp_path / "next").symlink_to("v2")
        (tmp_path / "next").replace(live)
        return found

    monkeypatch.setattr(os, "listdir", names_then_swap)
    assert folder.read(live, "live") == {"a.yaml": b"v1", "b.yaml": b"v1"}
    monkeypatch.undo()
    assert folder.read(live, "live") == {"a.yaml": b"v2", "b.yaml": b"v2"}


def test_folder_reads_the_same_by_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows has no handle of a folder: files and problems are the same."""
    makers = (make_fifo, make_folder, make_loop, make_dangling, make_device, make_socket)
    for make in makers:
        make(tmp_path / f"{make.__name__}.yaml")
    (tmp_path / "a.yaml").write_bytes(b"{}\r\n")
    (tmp_path / "big.yaml").write_bytes(b"#" * 100_000)
    by_handle = folder.read(tmp_path, "calls")
    monkeypatch.setattr(folder, "_HAS_HANDLES", False)
    by_path = folder.read(tmp_path, "calls")
    assert (by_path, list(by_path)) == (by_handle, list(by_handle))


def test_read_is_limited_to_largest_file(profiles: Path) -> None:
    """A file of 10 MB takes no 10 MB of memory."""
    (profiles / "big.yaml").write_bytes(b"#" * 10_000_000)
    assert folder.read(profiles, "profiles")["big.yaml"] == b"#" * (folder.MAX_BYTES + 1)


def test_thousands_of_files_are_served() -> None:
    """A set of 1,000 profiles is one set, and a reload of one file spares the others."""
    files = {f"p{n}": f"extends: p{n - 1}" if n % 10 else "{}" for n in range(1_000)}
    before = built(files)
    after = built({**files, "p7": "tts: {speed: 0.9}"}, before)
    assert len(after.names()) == 1_001
    assert sum(after.files[name] is before.files[name] for name in after.files) == 1_000


def test_fault_43_a_file_of_10_mb_is_refused_and_10000_files_are_served(
    profiles: Path, tmp_path: Path, happened: Happened
) -> None:
    """The one is not read whole, and of the others a call reads one."""
    (profiles / "big.yaml").write_bytes(b"#" * 10_000_000)
    tracemalloc.start()
    try:
        refused = problems(profiles)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    too_large = "the file is larger than 32768 bytes, the limit of a profile"
    assert refused == [f"profiles/big.yaml:1:1: {too_large}"]
    assert most < 5_000_000
    (profiles / "big.yaml").unlink()
    for n in range(9_999):
        (profiles / f"p{n}.yaml").write_text(f"session: {{user_away_timeout: {10 + n / 10}}}\n")
    loaded = catalog.load(profiles)
    path = tmp_path / "profiles.sqlite"
    snapshot.publish(path, loaded.revision, loaded.schema, loaded.layers)
    with closing(Snapshot(path)) as published:
        profile = published.profile("p9998")
    assert len(loaded.names()) == 10_000
    assert profile is not None
    assert profile.values["session.user_away_timeout"] == 1009.8
    happened(
        f"10 MB refused with {most / 1e6:.1f} MB of memory; 10,000 files published, and one read"
    )


def test_problems_of_an_error_are_values(profiles: Path) -> None:
    """Programs get codes and places, not only text."""
    (profiles / "a.yaml").write_text("tts:\n  speed: 9\n")
    with pytest.raises(ProfilesError) as caught:
        catalog.load(profiles)
    assert caught.value.problems == (
        Problem(
            code="range",
            message="9 is more than the maximum of 1.5 (factor)",
            path="tts.speed",
            file="profiles/a.yaml",
            line=2,
            column=10,
        ),
    )
