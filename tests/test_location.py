"""Where the directory of profiles is looked for, and what is said if there is none."""

import sys
from pathlib import Path

import pytest

import timing_profiles
from tests.command_line import ROOT
from timing_profiles.catalog import location
from timing_profiles.problems import ProfilesError


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with `src/agent.py`, started as that file from a directory elsewhere."""
    for name in ("src", "elsewhere"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    entrypoint = str(tmp_path / "src" / "agent.py")
    monkeypatch.setattr(sys.modules["__main__"], "__file__", entrypoint, raising=False)
    return tmp_path


def make(directory: Path) -> Path:
    """Make a directory of profiles with one file."""
    directory.mkdir(parents=True)
    (directory / "default.yaml").touch()
    return directory


def message(**options: str) -> str:
    """What is said of a directory that is not there."""
    with pytest.raises(ProfilesError) as caught:
        location.find(**options)
    return str(caught.value)


def test_the_working_directory_comes_first(project: Path) -> None:
    """Also where the file that was started has one beside it."""
    beside = make(project / "src" / "profiles")
    assert location.find() == beside
    assert location.find() == beside.absolute()
    here = make(project / "elsewhere" / "profiles")
    assert location.find() == here


def test_the_environment_names_one_beside_the_file(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With `..` too, as the root of a project is for `src/agent.py`."""
    make(project / "config" / "timing")
    monkeypatch.setenv("PROFILES_DIR", "../config/timing")
    monkeypatch.chdir(project / "src")
    assert location.find().samefile(project / "config" / "timing")
    monkeypatch.chdir("/")
    assert location.find().samefile(project / "config" / "timing")


def test_an_entrypoint_that_another_program_imports_has_one_beside_it(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`python -m livekit.agents start agent.py`; the program's own directory is not asked."""
    program = pytest.__file__
    monkeypatch.setattr(sys.modules["__main__"], "__file__", program, raising=False)
    wanted = Path(program).name
    assert location.find(wanted, pytest.__file__) == Path(program)
    assert message(given=wanted).splitlines()[0] == (
        f"{wanted}: directory not found: {project}/elsewhere/{wanted}"
    )
    beside = make(project / "src" / "profiles")
    assert location.find(entrypoint=str(project / "src" / "agent.py")) == beside


def test_an_interpreter_without_a_file_has_the_working_directory_alone(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a notebook, or with `python -c`."""
    monkeypatch.delattr(sys.modules["__main__"], "__file__", raising=False)
    assert location.find(make(project / "elsewhere" / "x").name).name == "x"


def test_fault_81_the_link_that_the_working_directory_was_entered_by_is_kept(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a shell has it in PWD; also for what lies beside a file that was started there."""
    make(project / "src" / "profiles")
    current = project / "current"
    current.symlink_to("src")
    monkeypatch.chdir(current)
    monkeypatch.setenv("PWD", str(current))
    assert str(location.find()) == f"{current}/profiles"
    monkeypatch.setenv("PWD", str(project / "elsewhere"))  # as a program leaves it that goes on
    assert str(location.find()) == f"{project}/src/profiles"
    monkeypatch.chdir(project)
    link = project.with_name("link")
    link.symlink_to(project)
    monkeypatch.setenv("PWD", str(link))
    assert str(location.find()) == f"{link}/src/profiles"


def test_fault_81_a_working_directory_that_is_gone_is_looked_for_nothing(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lies beside the file that was started is found; else the message has the other paths."""
    (project / "elsewhere").rmdir()
    assert message() == (
        f"profiles: directory not found: {project}/src/profiles\n  hint: {location.INIT_HINT}"
    )
    beside = make(project / "src" / "profiles")
    assert location.find() == beside
    monkeypatch.delattr(sys.modules["__main__"], "__file__")
    assert message() == f"profiles: directory not found\n  hint: {location.INIT_HINT}"


@pytest.mark.usefixtures("project")
def test_absolute_path_is_used_unchanged(tmp_path: Path) -> None:
    """As text or as a path."""
    made = make(tmp_path / "given")
    assert location.find(str(made)) == location.find(made) == made


@pytest.mark.usefixtures("project")
def test_path_that_is_not_a_directory_is_found(tmp_path: Path) -> None:
    """It is a mistake to report, not a reason to look elsewhere: a file, or a link to nowhere."""
    make(tmp_path / "src" / "profiles")
    here = tmp_path / "elsewhere" / "profiles"
    here.touch()
    assert location.find() == here
    here.unlink()
    here.symlink_to("nowhere")
    assert location.find() == here
    assert location.find("x" * 300) == here.parent / ("x" * 300)


def test_a_missing_directory_is_reported_with_every_path(project: Path) -> None:
    """Each absolute, and once; an absolute path stands there already."""
    init = location.INIT_HINT
    assert message() == (
        f"profiles: directory not found: {project}/elsewhere/profiles, {project}/src/profiles\n"
        f"  hint: {init}"
    )
    assert message(given="calls", entrypoint=f"{project}/src/other.py") == (
        f"calls: directory not found: {project}/elsewhere/calls, {project}/src/calls\n"
        f"  hint: {init}"
    )
    assert message(given=f"{project}/calls") == (
        f"{project}/calls: directory not found\n  hint: {init}"
    )
    assert message(given="a\x1b").startswith("a\\x1b: directory not found: ")


def test_a_set_above_is_hinted_at(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a project has one, and the agent is started in `src` or from elsewhere."""
    make(project / "profiles")
    hint = f"hint: {project}/profiles has profiles: PROFILES_DIR can name it"
    assert message().splitlines()[1].strip() == hint
    assert message(given="calls").splitlines()[1].strip() == hint
    monkeypatch.chdir("/")
    assert message().splitlines()[1].strip() == hint


def test_resolve_looks_in_the_same_places(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For a path that is given, and for one that the environment names."""
    (project / "src" / "profiles").symlink_to(ROOT / "profiles")
    found = timing_profiles.resolve({"profile": "brisk"})
    assert (found.profile, found.problems) == ("brisk", ())
    with pytest.raises(ProfilesError) as caught:
        timing_profiles.resolve(profiles_dir=Path("calls"))
    assert f"{project}/elsewhere/calls, {project}/src/calls" in str(caught.value)
    monkeypatch.chdir(project / "src")
    assert timing_profiles.resolve(profiles_dir=Path("profiles")).profile == "default"
