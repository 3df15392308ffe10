"""A settings page drawn from the schema of metadata by react-jsonschema-form, judged by Ajv."""

import asyncio
import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from sandbox.worker import ROOT
from tests.e2e.language_server import NODE
from timing_profiles.authoring.metadata_schema import metadata_schema
from timing_profiles.catalog import catalog
from timing_profiles.catalog.catalog import Catalog
from timing_profiles.profile import Profile
from timing_profiles.resolution import request, settings
from timing_profiles.resolution.request import FLAT_NAMES

MODULES = Path(sys.prefix) / "npm" / "node_modules"

STARTERS = catalog.load(ROOT / "profiles")
FIELDS = STARTERS.schema.fields

# As the documentation shows them.
DOCUMENTED = (
    {"profile": "patient", "overrides": {"turn_handling": {"endpointing": {"min_delay": 1.5}}}},
    {"profile": "patient", "endpointing_ms": 800, "min_endpointing_delay": 0.8},
)


@dataclass(frozen=True)
class Job:
    """A schema, what a page that is drawn from it begins with, and metadata to judge by it."""

    schema: Mapping[str, Any]
    data: Mapping[str, Any] = field(default_factory=dict)
    metadata: Sequence[object] = ()


async def done(jobs: Iterable[Job]) -> list[dict[str, Any]]:
    """For each job the page, what it sends untouched, and where each metadata is refused."""
    script = Path(__file__).parent / "form.mjs"
    pipe = asyncio.subprocess.PIPE
    node = await asyncio.create_subprocess_exec(
        NODE, script, MODULES, stdin=pipe, stdout=pipe, stderr=pipe
    )
    asked = [{"schema": job.schema, "data": job.data, "metadata": job.metadata} for job in jobs]
    output, complaints = await node.communicate(json.dumps(asked).encode())
    assert node.returncode == 0, complaints.decode()
    answers = json.loads(output)
    assert isinstance(answers, list)
    return answers


# The choice between the types of a field, and the items of a list.
_ITS_PARTS = re.compile(r"__anyof_select|_\d+$")


class Page(HTMLParser):
    """A page as a person sees it.

    Attributes:
        controls: The attributes of each control, by its id.
        texts: Labels, descriptions and what a list offers, by the id of what they belong to.
    """

    def __init__(self, html: str) -> None:
        """Read a page."""
        super().__init__()
        self.controls: dict[str, dict[str, str | None]] = {}
        self.texts: dict[str, list[str]] = {}
        self._id = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take a control, or the place of a text."""
        found = dict(attrs)
        self._id = found.get("for") or found.get("id") or self._id
        if tag in {"input", "select"}:
            self.controls[_ITS_PARTS.sub("", self._id)] = found

    def handle_data(self, data: str) -> None:
        """Take a text."""
        self.texts.setdefault(self._id, []).append(data)


def control(keys: Iterable[str]) -> str:
    """The id that the form generator gives to the control at these keys of metadata."""
    return "_".join(["root", *(key.replace(".", "_") for key in keys)])


def allowed(profile: Profile) -> dict[str, str]:
    """The control of each field that metadata may set, overrides and flat names, and the field."""
    fields = [path for path in FIELDS if profile.allows(path)]
    flat = {control([name]): path for name, path in FLAT_NAMES.items() if path in fields}
    return {control(["overrides", path]): path for path in fields} | flat


def profile(profiles: Catalog, name: str) -> Profile:
    found = profiles.profile(name)
    assert found is not None
    return found


def with_policies(policies: Mapping[str, tuple[str, ...]]) -> Catalog:
    """The starter profiles with other policies."""
    layers = {name: STARTERS.layers[name]._replace(allow=allow) for name, allow in policies.items()}
    return replace(STARTERS, layers=layers)


def numbers(in_force: Profile) -> dict[str, Any]:
    """Metadata with the largest number in each field that takes one."""
    data: dict[str, Any] = {"overrides": {}}
    for path, known in FIELDS.items():
        if in_force.allows(path) and "maximum" in known.schema:
            *above, last = path.split(".")
            section = data["overrides"]
            for key in above:
                section = section.setdefault(key, {})
            section[last] = known.schema["maximum"]
    flat = {name: FIELDS[path].schema for name, path in FLAT_NAMES.items() if in_force.allows(path)}
    return data | {name: said["maximum"] for name, said in flat.items() if "maximum" in said}


def described(
    schema: Mapping[str, Any], above: tuple[str, ...] = ()
) -> Iterable[tuple[str, Mapping[str, Any]]]:
    """What is said of each field, with the id of its control."""
    for key, inner in schema["properties"].items():
        if "properties" in inner:
            yield from described(inner, (*above, key))
        else:
            yield control([*above, key]), inner


async def test_page_shows_each_allowed_field_and_no_other() -> None:
    """With its title, its text and its bounds; the profiles can be chosen from a list."""
    schema = metadata_schema(STARTERS)
    default = profile(STARTERS, "default")
    (answer,) = await done([Job(schema, numbers(default))])
    page, fields = Page(answer["html"]), allowed(default)
    assert page.controls.keys() == {"root_profile"} | fields.keys()
    assert page.texts["root_profile"][1:] == STARTERS.names()
    for control_id, said in described(schema):
        assert said["title"] in " ".join(page.texts[control_id])
        assert page.texts[f"{control_id}__description"] == [said["description"]]
    for control_id, path in fields.items():
        for attribute, keyword in {"min": "minimum", "max": "maximum"}.items():
            bound = FIELDS[path].schema.get(keyword)
            shown = page.controls[control_id].get(attribute)
            assert shown == (None if bound is None else str(bound))


async def test_page_follows_the_policy_of_the_chosen_profile() -> None:
    """The choice of another profile shows the fields that this one allows."""
    policies = {"default": ("vad", "tts.speed"), "patient": ("*",), "brisk": ()}
    profiles = with_policies(policies)
    schema = metadata_schema(profiles)
    answers = await done(Job(schema, {"profile": name}) for name in policies)
    for name, answer in zip(policies, answers, strict=True):
        fields = allowed(profile(profiles, name))
        assert Page(answer["html"]).controls.keys() == {"root_profile"} | fields.keys()


async def test_untouched_page_has_no_effect() -> None:
    """The worker accepts the defaults that a page fills in, and the result is the profile."""
    names = STARTERS.names()
    jobs = [Job(metadata_schema(STARTERS, name)) for name in names]
    for name, answer in zip(names, await done(jobs), strict=True):
        assert "unsupported" not in answer["html"]
        assert answer["filled"]["profile"] == name
        assert answer["filled"]["overrides"]
        text = json.dumps(answer["filled"])
        settled = settings.resolve(STARTERS, [request.read(text, "participant")])
        assert settled.problems == ()
        assert settled.values == profile(STARTERS, name).values


@pytest.mark.parametrize("name", [None, "patient"])
async def test_back_end_accepts_the_documented_metadata(name: str | None) -> None:
    """Ajv in its strictest mode accepts the schema and the documented metadata."""
    (answer,) = await done([Job(metadata_schema(STARTERS, name), metadata=DOCUMENTED)])
    assert answer["errors"] == [[], []]


BAD: Mapping[str, tuple[object, list[str]]] = {
    "profile": ({"profile": "patien"}, ["/profile/ must be equal to one of the allowed values"]),
    "text": ({"endpointing_ms": "800"}, ["/endpointing_ms/ must be integer"]),
    "gap": ({"endpointing_ms": 5}, ["/endpointing_ms/ must NOT be valid"]),
    "range": (
        {"overrides": {"vad": {"activation_threshold": 1}}},
        ["/overrides/vad/activation_threshold/ must be <= 0.95"],
    ),
    "forbidden": (
        {"overrides": {"stt": {"engine": "flux"}}},
        ["/overrides/stt/engine must NOT have additional properties"],
    ),
    "forbidden-flat-name": (
        {"turn_detection": "vad"},
        ["/ must NOT be valid", "/turn_detection property name must be valid"],
    ),
    "line-break": (
        {"overrides": {"session": {"aec_warmup_duration": "auto\n"}}},
        [
            "/overrides/session/aec_warmup_duration/ must be number",
            "/overrides/session/aec_warmup_duration/ must be null",
            "/overrides/session/aec_warmup_duration/ must be equal to constant",
            "/overrides/session/aec_warmup_duration/ must be equal to constant",
            "/overrides/session/aec_warmup_duration/ must match a schema in anyOf",
        ],
    ),
}


async def test_back_end_refuses_same_requests_as_worker() -> None:
    """Ajv reports the place."""
    metadata = [each for each, _ in BAD.values()]
    (answer,) = await done([Job(metadata_schema(STARTERS), metadata=metadata)])
    assert dict(zip(BAD, answer["errors"], strict=True)) == {
        name: errors for name, (_, errors) in BAD.items()
    }


async def test_back_end_refuses_trailing_line_break() -> None:
    """The pattern of a language takes no line break, as the worker does not."""
    schema = metadata_schema(with_policies({"default": ("stt.nova.language",)}))
    languages = [{"overrides": {"stt": {"nova": {"language": text}}}} for text in ("de", "de\n")]
    (answer,) = await done([Job(schema, metadata=languages)])
    assert [bool(errors) for errors in answer["errors"]] == [False, True]


async def test_back_end_takes_the_schema_of_any_policy() -> None:
    """Ajv refuses no schema in its strictest mode, whatever profiles allow."""
    profiles = with_policies({"default": ("tts",), "patient": ("*",), "brisk": ()})
    schemas = [metadata_schema(profiles, name) for name in (None, *profiles.names())]
    answers = await done(Job(schema, metadata=[{"profile": "zzz"}]) for schema in schemas)
    assert [len(answer["errors"]) for answer in answers] == [1, 1, 1, 1]
