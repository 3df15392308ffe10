"""The published file: what is put in comes out, or it is an error."""

import json
import sqlite3
from contextlib import closing
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from timing_profiles.catalog import catalog
from timing_profiles.catalog.catalog import Catalog
from timing_profiles.handoff import snapshot
from timing_profiles.handoff.snapshot import Snapshot, SnapshotError
from timing_profiles.profile import Layer, merged
from timing_profiles.resolution import request, settings

ROOT = Path(__file__).parent.parent
STARTERS = catalog.load(ROOT / "profiles")
DEFAULT = (ROOT / "profiles" / "default.yaml").read_bytes()
REQUESTS = [request.read('{"profile": "elderly", "endpointing_ms": 450}', "participant")]


def publish(published: Catalog, path: Path) -> None:
    snapshot.publish(path, published.revision, published.schema, published.layers)


def with_profile(text: str) -> Catalog:
    files = {"default.yaml": DEFAULT, "own.yaml": text.encode()}
    return catalog.build(files, STARTERS.schema, None, "profiles")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the starter profiles are published."""
    found = tmp_path / "profiles.sqlite"
    publish(STARTERS, found)
    return found


def test_every_profile_comes_back_equal(path: Path) -> None:
    """Names, revision, schema, and each merged profile with its places and its policy."""
    with closing(Snapshot(path)) as found:
        assert found.names() == STARTERS.names()
        assert found.revision == STARTERS.revision
        assert found.schema.text == STARTERS.schema.text
        for name in STARTERS.names():
            assert found.profile(name) == STARTERS.profile(name)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("overrides: {allow: []}", id="empty-policy"),
        pytest.param("turn_detector: {unlikely_threshold: {en: 0.3, de: 0}}", id="mapping"),
        pytest.param("turn_handling: {interruption: {backchannel_boundary: [0, 1.5]}}", id="list"),
        pytest.param("session: {user_away_timeout: null, aec_warmup_duration: auto}", id="words"),
        pytest.param("description: Für alle. 🤔\ntts: {speed: 1}", id="letters"),
    ],
)
def test_every_kind_of_value_comes_back_equal(text: str, tmp_path: Path) -> None:
    """Types are kept: an empty policy is not a missing one, and 1 is not 1.0."""
    published = with_profile(text)
    publish(published, tmp_path / "published")
    with closing(Snapshot(tmp_path / "published")) as found:
        assert repr(found.profile("own")) == repr(published.profile("own"))


def test_unknown_profile_is_none(path: Path) -> None:
    """A name that is not published is no error, whatever it holds."""
    with closing(Snapshot(path)) as found:
        assert found.profile("nobody") is None
        assert found.profile("' OR 1=1 --") is None


def test_call_is_resolved_as_from_the_directory(path: Path) -> None:
    """A job gets from the file the same settings as the worker from the catalog."""
    with closing(Snapshot(path)) as found:
        assert settings.resolve(found, REQUESTS) == settings.resolve(STARTERS, REQUESTS)


def test_replaced_file_is_read_again(path: Path) -> None:
    """The next reader gets the next revision."""
    after = with_profile("tts: {speed: 0.9}")
    publish(after, path)
    with closing(Snapshot(path)) as found:
        assert (found.revision, found.names()) == (after.revision, ["default", "own"])


def test_reader_keeps_the_set_that_it_opened(path: Path) -> None:
    """A set that is replaced, or removed, while a job reads it stays whole for that job."""
    with closing(Snapshot(path)) as found:
        publish(with_profile("tts: {speed: 0.9}"), path)
        assert found.names() == STARTERS.names()
        path.unlink()
        for name in STARTERS.names():
            assert found.profile(name) == STARTERS.profile(name)


def test_half_a_file_of_a_killed_worker_is_replaced(path: Path) -> None:
    """The file of a killed publisher is not read, and does not block the next one."""
    path.with_suffix(".new").write_bytes(path.read_bytes()[:5000])
    with closing(Snapshot(path)) as found:
        assert found.revision == STARTERS.revision
    publish(with_profile("{}"), path)
    with closing(Snapshot(path)) as found:
        assert found.names() == ["default", "own"]
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_failed_publication_keeps_the_last_one(path: Path) -> None:
    """An incomplete publication leaves the published file unchanged."""
    layers = {**STARTERS.layers, "zebra": Layer("zebra", {"tts.speed": object()}, {})}
    with pytest.raises(TypeError, match="not JSON serializable"):
        snapshot.publish(path, "0" * 12, STARTERS.schema, layers)
    with closing(Snapshot(path)) as found:
        assert found.revision == STARTERS.revision


def test_folder_that_is_gone_is_an_oserror(tmp_path: Path) -> None:
    """A publisher that cannot write raises the one error that its caller handles."""
    aside = tmp_path / "gone" / "profiles.new"
    with pytest.raises(OSError, match="unable to open database file") as caught:
        publish(STARTERS, tmp_path / "gone" / "profiles.sqlite")
    assert str(caught.value) == f"{aside}: unable to open database file"


def read_all(path: Path) -> None:
    with closing(Snapshot(path)) as found:
        for name in found.names():
            found.profile(name)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(b"", "no such table: published", id="empty"),
        pytest.param(b"x" * 8192, "file is not a database", id="garbage"),
        pytest.param(b"SQLite format 3\x00", "file is not a database", id="head-alone"),
        pytest.param(json.dumps({}).encode(), "file is not a database", id="json"),
    ],
)
def test_file_of_another_kind_is_an_error(path: Path, content: bytes, reason: str) -> None:
    """A file that is not a published set is one error, which names the file."""
    path.write_bytes(content)
    with pytest.raises(SnapshotError) as caught:
        read_all(path)
    assert str(caught.value) == f"{path}: {reason}"


def test_missing_file_is_an_error(tmp_path: Path) -> None:
    """Nothing published, and a folder in its place, are the same error; nothing is created."""
    for path in (tmp_path / "nothing", tmp_path, Path()):
        with pytest.raises(SnapshotError):
            read_all(path)
    assert list(tmp_path.iterdir()) == []


def test_truncated_file_is_an_error_or_whole(path: Path) -> None:
    """Cut anywhere, the file is an error, or its values are right."""
    content = path.read_bytes()
    expected = settings.resolve(STARTERS, REQUESTS)
    refused = 0
    for size in range(0, len(content), 511):
        path.write_bytes(content[:size])
        try:
            with closing(Snapshot(path)) as found, found.reading():
                assert settings.resolve(found, REQUESTS) == expected
        except SnapshotError:
            refused += 1
    assert refused > len(content) / 511 / 2


def change(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement)
        connection.commit()


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("DELETE FROM published", id="no-head"),
        pytest.param("DROP TABLE layer", id="no-layers"),
        pytest.param("UPDATE published SET schema = '{'", id="schema-cut"),
        pytest.param("UPDATE layer SET layer = '{'", id="layer-cut"),
        pytest.param("UPDATE layer SET layer = '{}'", id="layer-empty"),
        pytest.param("UPDATE layer SET layer = '[]'", id="layer-a-list"),
        pytest.param("UPDATE layer SET layer = x'ff'", id="layer-bytes"),
        pytest.param("UPDATE published SET schema = 5", id="schema-a-number"),
        pytest.param("UPDATE layer SET layer = '5'", id="layer-a-number"),
        pytest.param("UPDATE layer SET layer = '\"x\"'", id="layer-a-text"),
        pytest.param("UPDATE published SET schema = '[]'", id="schema-a-list"),
        pytest.param("DELETE FROM layer", id="no-default"),
    ],
)
def test_damaged_content_is_an_error(path: Path, statement: str) -> None:
    """A file with valid tables and invalid content is the same error."""
    change(path, statement)
    with pytest.raises(SnapshotError), closing(Snapshot(path)) as found, found.reading():
        settings.resolve(found, REQUESTS)


def test_circle_in_a_damaged_file_ends(path: Path) -> None:
    """A chain that turns in circles, which no catalog lets pass, does not hang a job."""
    layer = json.dumps({**layer_of(path, "patient"), "extends": "patient"})
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE layer SET layer = ? WHERE name = 'patient'", (layer,))
        connection.commit()
    with closing(Snapshot(path)) as found:
        found.profile("patient")


def layer_of(path: Path, name: str) -> dict[str, object]:
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT layer FROM layer WHERE name = ?"
        (text,) = connection.execute(query, (name,)).fetchone()
    layer: dict[str, object] = json.loads(text)
    return layer


def test_long_chain_is_merged_whole(tmp_path: Path) -> None:
    """A chain that the catalog accepts keeps default's fields, also the longest."""
    default = STARTERS.layers["default"]
    names = ["default", *(f"p{n}" for n in range(31))]
    chain = {own: Layer(own, {}, {}, "", below) for below, own in pairwise(names)}
    layers = {"default": default, **chain}
    snapshot.publish(tmp_path / "published", "0" * 12, STARTERS.schema, layers)
    with closing(Snapshot(tmp_path / "published")) as found:
        profile = found.profile("p30")
    assert profile is not None
    assert profile.values == default.sets


def test_flipped_byte_is_an_error_or_survived(path: Path) -> None:
    """A byte that the disk got wrong raises nothing that a job is not ready for."""
    content = path.read_bytes()
    refused = 0
    for position in range(0, len(content), 251):
        flipped = bytes([content[position] ^ 0xFF])
        path.write_bytes(content[:position] + flipped + content[position + 1 :])
        try:
            with closing(Snapshot(path)) as found, found.reading():
                settings.resolve(found, REQUESTS)
        except SnapshotError:
            refused += 1
    assert refused > 0


def test_publication_holds_each_set_whole(tmp_path: Path) -> None:
    """Whatever the next set changes, adds or removes, also where the file was damaged."""
    path = tmp_path / "published.sqlite"
    default, low = STARTERS.layers["default"], Layer("low", {"a": 1}, {}, "", "default")
    sets = [
        {"default": default},
        {"default": default, "low": low},
        {"default": default, "low": Layer("low", {"a": 2}, {}, "", "default")},
        {"default": default, "other": Layer("other", {"a": 1}, {}, "", "default")},
    ]
    for number, layers in enumerate(sets):
        snapshot.publish(path, str(number), STARTERS.schema, layers)
        with closing(Snapshot(path)) as found:
            assert (found.revision, found.names()) == (str(number), sorted(layers))
            assert [found.profile(name) for name in layers] == [
                merged([default] if name == "default" else [default, layer])
                for name, layer in layers.items()
            ]
    path.write_bytes(b"damaged")
    snapshot.publish(path, "after", STARTERS.schema, sets[-1])
    with closing(Snapshot(path)) as found:
        assert (found.revision, found.names()) == ("after", ["default", "other"])


def test_file_does_not_grow_with_the_sets_that_it_had(tmp_path: Path) -> None:
    """A thousand edits leave it as large as a few do."""
    path = tmp_path / "published.sqlite"
    default = STARTERS.layers["default"]
    sizes = set()
    for number in range(200):
        edited = Layer("edited", {"a": number + 1000}, {}, "", "default")
        layers = {"default": default, "edited": edited}
        snapshot.publish(path, f"{number:012}", STARTERS.schema, layers)
        sizes.add(path.stat().st_size)
    assert len(sizes) == 1


def test_fault_80_every_connection_is_closed(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also after damage, a failed write, and a copy: Python 3.13 warns of each one left open."""
    made: list[sqlite3.Connection] = []

    class Recorded(sqlite3.Connection):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            made.append(self)

    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Recorded))
    publish(STARTERS, path)
    with closing(Snapshot(path)) as found:
        found.copy()
        assert found.profile("brisk") == STARTERS.profile("brisk")
    with pytest.raises(OSError, match="unable to open"):
        publish(STARTERS, tmp_path / "nowhere" / "published")
    path.write_bytes(b"garbage" * 999)
    with pytest.raises(SnapshotError):
        Snapshot(path)
    assert len(made) == 4
    for connection in made:
        with pytest.raises(sqlite3.ProgrammingError, match="closed database"):
            connection.execute("SELECT 1")
