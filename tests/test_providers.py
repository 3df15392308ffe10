"""The table of parts: what it says of a class is what the class has."""

import importlib
import inspect
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest
from livekit.agents import inference
from livekit.agents.utils import is_given

from timing_profiles.call import parts, sdk_internals
from timing_profiles.call.parts import Own
from timing_profiles.catalog.schema import Schema
from timing_profiles.providers import registry, tts_pace
from timing_profiles.providers import vad as vads
from timing_profiles.providers.provider import MISSING, Option, Provider, same

ROOT = Path(__file__).parents[1]
SCHEMA = Schema((ROOT / "schema.json").read_text(encoding="utf-8"))


def ids(provider: Provider) -> str:
    """Its name, and its models where there are several of that name."""
    return " ".join((provider.name, *provider.models))


def class_of(provider: Provider) -> Any:
    """The class of a provider; None where its package is not installed."""
    try:
        return getattr(importlib.import_module(provider.module), provider.class_name, None)
    except ImportError:
        return None


@pytest.mark.parametrize("provider", registry.ALL, ids=ids)
def test_fields_of_a_provider_are_in_the_schema(provider: Provider) -> None:
    """Of the section for its kind of part, and each once."""
    fields = [option.field for option in provider.options]
    assert len(fields) == len(set(fields))
    assert set(fields) <= {path for path in SCHEMA.fields if path.startswith(f"{provider.kind}.")}


def test_every_field_of_a_part_has_a_provider() -> None:
    """Each field of a part has a reader."""
    told = {option.field for provider in registry.ALL for option in provider.options}
    parts = ("stt.", "vad.", "tts.", "turn_detector.", "realtime.")
    # They choose what is built.
    others = {"stt.engine", "turn_detector.version"}
    assert {path for path in SCHEMA.fields if path.startswith(parts)} - others == told


@pytest.mark.parametrize("provider", [each for each in registry.ALL if class_of(each)], ids=ids)
def test_class_takes_the_options(provider: Provider) -> None:
    """By name, when it is made and while it runs, with the default that is noted.

    Deepgram's and LiveKit's packages are always there, those of others where they are installed.
    """
    made = class_of(provider)
    update = inspect.signature(made if provider.is_private else made.update_options).parameters
    constructor = inspect.signature(getattr(made, "load", made.__init__)).parameters
    for option in provider.options:
        if provider.kind == "tts" and option.field in sdk_internals.UNSUPPORTED:
            continue
        if "." not in (option.stored or option.name) and not option.only_built:
            assert option.name in update
        if option.name in constructor:
            default = constructor[option.name].default
            assert not is_given(default) or not default or same(default, option.normal)


@pytest.mark.parametrize(
    "name", ["deepgram.STT", "deepgram.STTv2", "inference.STT", "inference.VAD"]
)
def test_classes_of_known_packages_are_found(name: str) -> None:
    """The test above is not empty."""
    assert all(class_of(each) for each in registry.ALL if each.name == name)


def test_parts_of_others_have_no_provider() -> None:
    """A class with a known name in another package, and one that raises."""

    class STT:
        @property
        def model(self) -> str:
            raise RuntimeError("not loaded")

    assert registry.find(STT()) is None
    assert registry.find(SimpleNamespace(model="nova-3")) is None
    assert registry.find(None) is None


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("deepgram/nova-3-medical", "nova"),
        ("deepgram/flux-general-multi", "flux"),
        ("assemblyai/universal-streaming", ""),
        ("speechmatics/enhanced", None),
        ("auto", None),
    ],
)
def test_model_of_the_gateway_decides(model: str, expected: str | None) -> None:
    """Behind one class there are several providers."""
    ear = inference.STT(model, api_key="a-key", api_secret="a-secret")  # noqa: S106
    provider = registry.find(ear)
    assert (provider.engine if provider else None) == expected


@pytest.mark.parametrize(
    ("model", "speed", "kwargs"),
    [
        ("cartesia/sonic-3", 1.2, {"speed": 1.2}),
        ("cartesia/sonic-3", 0.1, {"speed": 0.6}),
        ("rime/arcana", 1.25, {"speed_alpha": 0.8}),
        ("inworld/inworld-tts-1", 1.2, {"speaking_rate": 1.2}),
        ("deepgram/aura-2", 1.2, {}),
        ("cartesia/sonic-3", None, {}),
    ],
)
def test_pace_at_the_gateway(model: str, speed: float | None, kwargs: dict[str, float]) -> None:
    """Each vendor has its own name for it, and its own bounds; null is not sent."""
    voice = inference.TTS(model, api_key="a-key", api_secret="a-secret")  # noqa: S106
    Own().adopt(voice, {"tts.speed": speed})
    assert vars(voice)["_opts"].extra_kwargs == kwargs


def test_pace_returns_to_normal() -> None:
    """A pace that was set, and is null again."""
    voice = inference.TTS("xai/tts-1", api_key="a-key", api_secret="a-secret")  # noqa: S106
    own = Own()
    own.adopt(voice, {"tts.speed": 1.2})
    (part,) = own.parts
    part.tell({"tts.speed": None}, part.changed({"tts.speed": None}))
    assert vars(voice)["_opts"].extra_kwargs == {"speed": 1.0}


def test_word_for_a_pace_stays() -> None:
    """A value of the application that is not a number."""
    voice = inference.TTS(
        "cartesia/sonic-3",
        api_key="a-key",
        api_secret="a-secret",  # noqa: S106
        extra_kwargs={"speed": "slow"},
    )
    own = Own()
    own.adopt(voice, {"tts.speed": 1.2})
    assert vars(voice)["_opts"].extra_kwargs == {"speed": "slow"}
    assert own.parts[0].own == {"tts.speed": "slow"}


@pytest.mark.parametrize(("factor", "percent"), [(1.0, 0), (1.2, 20), (0.9, -10), (3.0, 50)])
def test_murf_takes_percents(factor: float, percent: int) -> None:
    """Whole ones, from -50 to 50."""
    (murf,) = (provider for provider in tts_pace.PACES if provider.name == "murf.TTS")
    (option,) = murf.options
    assert option.argument({"tts.speed": factor}) == percent


def test_automatic_threshold_is_not_the_applications() -> None:
    """The VAD derives it from the other one; only another number was set."""
    (option,) = (o for o in vads.SILERO_VAD.options if o.field == "vad.deactivation_threshold")
    stored = {"activation_threshold": 0.7, "deactivation_threshold": 0.55}
    assert not option.is_own(stored.__getitem__)
    assert option.is_own({**stored, "deactivation_threshold": 0.2}.__getitem__)


def test_silero_is_tuned() -> None:
    """The plugin itself, loaded once for a process; its silence of 0.55 s is its default."""
    silero = pytest.importorskip("livekit.plugins.silero")
    loaded = silero.VAD.load(min_speech_duration=0.2)
    own = Own()
    own.adopt(loaded, {**_DEFAULT_VAD, "vad.activation_threshold": 0.7})
    options = vars(loaded)["_opts"]
    assert (options.activation_threshold, options.min_silence_duration) == (0.7, 0.25)
    assert (options.min_speech_duration, own.parts[0].own) == (
        0.2,
        {"vad.min_speech_duration": 0.2},
    )


_DEFAULT_VAD = {
    "vad.min_speech_duration": 0.05,
    "vad.min_silence_duration": 0.25,
    "vad.prefix_padding_duration": 0.5,
    "vad.activation_threshold": 0.5,
    "vad.deactivation_threshold": "auto",
}


def test_built_part_keeps_the_applications_arguments() -> None:
    """By the field that each is."""
    part = parts.build(inference.VAD(), {"activation_threshold": 0.6, "model": "silero"}, {})
    assert part.own == {"vad.activation_threshold": 0.6}
    assert not part.takes("vad.activation_threshold")
    assert part.takes("vad.min_silence_duration")


def test_option_takes_values_that_a_part_supports() -> None:
    """Automatic values and null, as far as there is a word for them."""
    option = Option("stt.flux.eot_threshold", "eot_threshold")
    assert option.argument({"stt.flux.eot_threshold": "auto"}) is MISSING
    assert option.argument({"stt.flux.eot_threshold": 0.7}) == 0.7


def test_mock_of_a_part_is_not_an_adapter() -> None:
    """Applications test with mocks, of which every attribute is another mock."""
    own = Own()
    own.adopt(MagicMock(), {})
    assert [part.provider for part in own.parts] == [None]
