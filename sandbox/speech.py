"""Text to speech with espeak-ng, used as a library: the voices of the stand-ins."""

import ctypes
import functools
import threading
from typing import Final

import espeakng_loader
import numpy as np
from numpy.typing import NDArray

CALLER: Final = "en-us"
AGENT: Final = "en-us+f3"
WORDS_PER_MINUTE: Final = 160

# From espeak-ng's speak_lib.h.
_OUTPUT_SYNCHRONOUS: Final = 2
_PARAMETER_RATE: Final = 1
_POSITION_CHARACTER: Final = 1
_CHARS_UTF8: Final = 1
_SLOWEST, _FASTEST = 80, 450
_SAMPLE_RATE: Final = 22050

# espeak-ng keeps its state in global variables.
_lock = threading.Lock()

_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


def synthesize(
    text: str,
    *,
    voice: str = CALLER,
    rate: int = WORDS_PER_MINUTE,
    speed: float = 1.0,
    sample_rate: int = 24000,
) -> bytes:
    """Speak `text`; safe from any thread, a sentence takes about 5 ms.

    Args:
        text: The text to speak. Text without words yields a moment of silence.
        voice: Name of an espeak-ng voice, with or without a variant (`en-us+f3`).
        rate: Words per minute at speed 1.0, 80 to 450.
        speed: The audio is exactly as long as at 1.0, divided by this. The pitch stays,
            within 7 per cent.
        sample_rate: Hz.

    Returns:
        Mono linear16 samples, little endian.

    Raises:
        ValueError: espeak-ng has no such voice, or cannot speak that fast or slowly.
    """
    seconds = len(_spoken(text, voice, rate)) / _SAMPLE_RATE / speed
    # espeak-ng misses a wanted length by up to 7 per cent; resampling takes up the rest.
    samples = _spoken(text, voice, round(rate * speed))
    return _resampled(samples, round(seconds * sample_rate)).tobytes()


def _resampled(samples: NDArray[np.int16], count: int) -> NDArray[np.int16]:
    at = np.linspace(0, len(samples), count, endpoint=False)
    return np.interp(at, np.arange(len(samples)), samples).astype("<i2")


@functools.lru_cache(maxsize=128)
def _spoken(text: str, voice: str, rate: int) -> NDArray[np.int16]:
    if not _SLOWEST <= rate <= _FASTEST:
        raise ValueError(f"{rate} words per minute: espeak-ng speaks {_SLOWEST} to {_FASTEST}")
    with _lock:
        return _engine().speak(text, voice, rate)


@functools.cache
def _engine() -> "_Engine":
    return _Engine()


class _Engine:
    """The one espeak-ng of this process; only who holds the lock may touch it."""

    def __init__(self) -> None:
        self._spoken = bytearray()
        self._callback = _Callback(self._on_samples)
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = espeakng_loader.get_data_path().encode()
        if self._library.espeak_Initialize(_OUTPUT_SYNCHRONOUS, 0, data, 0) != _SAMPLE_RATE:
            raise RuntimeError(f"espeak-ng cannot use its voices in {data.decode()}")
        self._library.espeak_SetSynthCallback(self._callback)

    def speak(self, text: str, voice: str, rate: int) -> NDArray[np.int16]:
        self._spoken.clear()
        if self._library.espeak_SetVoiceByName(voice.encode()):
            raise ValueError(f"espeak-ng has no voice {voice!r}")
        self._library.espeak_SetParameter(_PARAMETER_RATE, rate, 0)
        self._synth(text.encode())
        return np.frombuffer(bytes(self._spoken), dtype=np.int16)

    def _synth(self, text: bytes) -> None:
        size = ctypes.c_size_t(len(text) + 1)  # with the closing zero byte
        self._library.espeak_Synth(text, size, 0, _POSITION_CHARACTER, 0, _CHARS_UTF8, None, None)

    def _on_samples(self, samples: "ctypes._Pointer[ctypes.c_short]", count: int, _: int) -> int:
        if samples and count > 0:
            self._spoken.extend(ctypes.string_at(samples, count * 2))
        return 0
