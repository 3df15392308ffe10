"""What the README and the pages beside it show of profiles, metadata and messages is so."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from livekit.agents import AgentSession
from livekit.protocol import sip

import timing_profiles
from tests import shown
from tests.command_line import CommandLine
from tests.markdown import BLOCKS, PAGES, ROOT, Block, of_sort, prose, read, sort
from timing_profiles.catalog import catalog
from timing_profiles.catalog.catalog import Catalog
from timing_profiles.resolution.request import PROFILE_ATTRIBUTE
from timing_profiles.turns import wait

PROFILES = ROOT / "profiles"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """The starter profiles and those that the pages show."""
    return shown.project(tmp_path_factory.mktemp("project"))


def said_wait(profiles: Catalog, name: str) -> str:
    """The wait of a profile as a page says it."""
    profile = profiles.profile(name)
    assert profile, name
    return str(wait.effective(profile.values))


def test_every_block_is_of_a_sort_that_is_tested() -> None:
    """Each is of a language, and for a purpose, that tests/markdown.py lists."""
    assert [f"{block}: {block.language} {block.mark}" for block in BLOCKS if not sort(block)] == []
    assert sum(read(page).count("```") for page in PAGES) == 2 * len(BLOCKS)


def test_quoted_part_of_a_file_matches_the_file() -> None:
    """The block's lines are in the file, one after the other."""
    for block in of_sort("part"):
        file = ROOT / block.mark.removeprefix("from ")
        assert block.text in file.read_text(encoding="utf-8"), block


def test_every_profile_that_is_shown_is_whole_and_clean(project: Catalog) -> None:
    """Each loads beside the starters, without so much as a warning, and has a name of its own."""
    assert project.warnings == ()
    assert set(project.layers) == shown.STARTERS | set(shown.profiles())
    names = [shown.name(block) for block in of_sort("profile")]
    assert sorted(set(names)) == sorted(names)


def test_quoted_starter_profile_matches_its_file(tmp_path: Path) -> None:
    """A block that a page calls profiles/patient.yaml has the content of that file."""
    shutil.copytree(PROFILES, tmp_path / "profiles")
    starters = catalog.load(tmp_path / "profiles").layers
    blocks = [block for block in of_sort("profile") if shown.name(block) in starters]
    for block in blocks:
        (tmp_path / block.text.split()[1]).write_text(block.text, encoding="utf-8")
    quoted = catalog.load(tmp_path / "profiles").layers
    for name in map(shown.name, blocks):
        assert quoted[name].sets == starters[name].sets
        assert quoted[name].description == starters[name].description


@pytest.mark.parametrize("block", of_sort("problem"), ids=str)
def test_quoted_problem_matches_the_output_of_check(
    block: Block, starters: Path, run: CommandLine
) -> None:
    """With the value that it names in the profile that the page shows."""
    line = int(block.text.split(":")[1])
    (field, value), name = re.findall(r"(\w+): (\S+) is ", block.text)[0], block.text.split(":")[0]
    (shown_as,) = (b for b in of_sort("profile") if b.page == block.page and name in b.text)
    broken = shown_as.text.splitlines()
    broken[line - 1] = re.sub(rf"{field}: [\d.]+", f"{field}: {value}", broken[line - 1])
    (starters.parent / name).write_text("\n".join(broken), encoding="utf-8")
    assert run("check") == (1, block.text, "")


def test_the_wait_beneath_a_profile_is_its_wait(project: Catalog) -> None:
    """Where the text states the time of the answer, it is that of the formula."""
    found = {
        shown.name(block): re.match(r"\s*Answers after ([0-9. to]+ s)\b", block.after)
        for block in of_sort("profile")
    }
    said = {name: match.group(1) for name, match in found.items() if match}
    assert said == {name: said_wait(project, name) for name in said}
    assert len(said) == sum(prose(page).count("Answers after ") for page in PAGES) > 0


def test_the_wait_beside_a_name_is_its_wait(project: Catalog) -> None:
    """As in: `patient` (1.59 to 4.09 s)."""
    pattern = r"`([a-z-]+)` \(([0-9. to]+ s)\)"
    said = [pair for page in PAGES for pair in re.findall(pattern, prose(page))]
    assert said == [(name, said_wait(project, name)) for name, _ in said]
    assert said != []


def test_the_table_of_starters_lists_every_profile_with_its_wait() -> None:
    """Names and waits are those of the set."""
    row = re.compile(r"^\| `([a-z0-9-]+)` \| ([0-9][^|]*) \|", re.MULTILINE)
    found = catalog.load(PROFILES)
    expected = {name: said_wait(found, name).removesuffix(" s") for name in found.names()}
    assert dict(row.findall(read("docs/tuning.md"))) == expected


def test_every_field_that_is_named_exists(project: Catalog) -> None:
    """`vad.min_silence_duration` in full, `interruption.min_words` without what stands above it."""
    paths = {f".{path}" for path in {*project.schema.fields, *project.schema.sections}}
    sections = {key for path in project.schema.sections for key in path.split(".")}
    named = {
        name
        for page in PAGES
        for name in re.findall(r"`([a-z_]+(?:\.[a-z_]+)+)(?:: [^`]*)?`", prose(page))
        if name.split(".")[0] in sections and not hasattr(AgentSession, name.split(".")[-1])
    }
    assert [name for name in named if not any(path.endswith(f".{name}") for path in paths)] == []
    assert named != set()


@pytest.mark.parametrize("block", of_sort("metadata"), ids=str)
def test_metadata_that_is_shown_is_applied(block: Block) -> None:
    """The profile is in force, and every override, without a problem."""
    metadata = json.loads(block.text)
    found = timing_profiles.resolve(metadata, profiles_dir=PROFILES)
    request = metadata.get("timing", metadata)
    assert (found.profile, found.problems) == (request.get("profile", "default"), ())


@pytest.mark.parametrize("block", of_sort("message"), ids=str)
def test_livekit_api_call_selects_the_profile(block: Block) -> None:
    """The API's own class accepts it, and its timing is applied without a problem."""
    message = getattr(sip, block.mark.removeprefix("livekit."))()
    json_format.Parse(block.text, message)
    if isinstance(message, sip.CreateSIPInboundTrunkRequest):
        assert set(message.trunk.headers_to_attributes.values()) == {PROFILE_ATTRIBUTE}
    else:
        found = timing_profiles.resolve(profiles_dir=PROFILES, **layers(message))
        assert (found.profile != "default", found.problems) == (True, ())


def layers(message: Any) -> dict[str, Any]:
    """What a message says of timing, as arguments of `resolve`."""
    if isinstance(message, sip.CreateSIPParticipantRequest):
        attributes = dict(message.participant_attributes)
        return {"metadata": message.participant_metadata, "attributes": attributes}
    rule = message.dispatch_rule
    (agent,) = rule.room_config.agents
    return {
        "metadata": rule.metadata,
        "attributes": dict(rule.attributes),
        "dispatch": agent.metadata,
        "room": rule.room_config.metadata,
    }


def test_a_later_row_of_the_table_of_phone_calls_wins() -> None:
    """The agent's metadata gives way to a header, and the header to the rule's own metadata."""
    rows = re.findall(r"\| (?:dispatch rule|trunk), (`\S+`) \|", prose("docs/phone.md"))
    assert rows == ["`room_config.agents[].metadata`", "`headers_to_attributes`", "`metadata`"]
    said: dict[str, Any] = {}
    in_force = []
    for row in (
        {"dispatch": {"profile": "patient"}},
        {"attributes": {PROFILE_ATTRIBUTE: "brisk"}},
        {"metadata": {"profile": "elderly"}},
    ):
        said |= row
        in_force.append(timing_profiles.resolve(profiles_dir=PROFILES, **said).profile)
    assert in_force == ["patient", "brisk", "elderly"]


@pytest.mark.parametrize("block", of_sort("swift", "kotlin"), ids=str)
def test_code_that_cannot_be_compiled_here_is_at_least_whole(block: Block) -> None:
    """Its brackets are in pairs, and the metadata in it is applied without a problem."""
    raw = re.compile(r'#"(?P<swift>.*?)"#|"""(?P<kotlin>.*?)"""')
    (found,) = (match.group(block.language) for match in raw.finditer(block.text))
    assert timing_profiles.resolve(found, profiles_dir=PROFILES).problems == ()
    rest = re.sub(r"[^()\[\]{}]", "", re.sub(r'"(?:\\\(.*?\)|[^"])*"', "", raw.sub("", block.text)))
    while rest != (rest := re.sub(r"\(\)|\[\]|\{\}", "", rest)):
        pass
    assert rest == ""
