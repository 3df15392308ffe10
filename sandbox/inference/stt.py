"""`/stt`: audio in, transcripts out, found by the transcriber of `sandbox.deepgram`.

A transcript ends at the first pause, whatever the model. LiveKit's gateway asks every provider for
that (`endpointing` of 25 ms from Deepgram, `min_end_of_turn_silence_when_confident` of 0 from
AssemblyAI): the agent decides when a turn is over. A client of Deepgram's nova models may ask for
another `endpointing` (ms) in `extra`, when it begins and with `session.update`; whether the real
gateway applies the latter to a stream that runs is not known. `start_of_speech`, which few models
send, is left out.
"""

import base64
import time
from collections.abc import Iterable, Iterator
from typing import Final

from sandbox.deepgram.query import ListenOptions
from sandbox.deepgram.record import Body, Vocabulary
from sandbox.deepgram.transcriber import Transcriber
from sandbox.inference.session import Session, sample_rate

_ENDPOINTING: Final = 0.025
_NOVA: Final = "deepgram/nova"
_OF_A_WORD: Final = ("word", "start", "end", "confidence")


async def transcribe(session: Session, vocabulary: Vocabulary) -> None:
    """Serve a session until either side closes it.

    Raises:
        ValueError, TypeError or KeyError: The client sends an invalid message.
        ConnectionResetError: The client has gone.
    """
    create = await session.open()
    settings = create["settings"]
    options = _options(create.get("model", "auto"), sample_rate(settings))
    transcription = _Transcription(
        session,
        Transcriber(options, vocabulary, session.id),
        options.model,
        settings.get("language", "en"),
    )
    transcription.update(settings)
    await session.send("session.created")
    while (body := await session.receive()) is not None:
        await transcription.obey(body)
        if body["type"] == "session.close":
            return


def _options(model: str, rate: int) -> ListenOptions:
    return ListenOptions(
        model=model,
        sample_rate=rate,
        interim_results=True,
        vad_events=False,
        punctuated=True,
        endpointing=_ENDPOINTING,
        utterance_end=None,
    )


class _Transcription:
    def __init__(
        self, session: Session, transcriber: Transcriber, model: str, language: str
    ) -> None:
        self._session = session
        self._transcriber = transcriber
        self._model = model
        self._language = language

    def update(self, settings: Body) -> None:
        """Take options of the provider, as far as they are known here."""
        endpointing = settings.get("extra", {}).get("endpointing")
        if endpointing is not None and self._model.startswith(_NOVA):
            self._transcriber.end_after(int(endpointing) / 1000 or None)

    async def obey(self, body: Body) -> None:
        match body["type"]:
            case "input_audio":
                await self._hear(base64.b64decode(body["audio"], validate=True))
            case "session.finalize":
                await self._send(self._transcriber.finalize())
                await self._session.send("session.finalized")
            case "session.update":
                self.update(body["settings"])
            case "session.close":
                await self._send(self._transcriber.close())
                await self._session.send("session.closed")
            case unknown:
                raise ValueError(unknown)

    async def _hear(self, audio: bytes) -> None:
        last_sound = self._transcriber.last_sound
        results = list(self._transcriber.hear(audio))
        self._session.request.audio = self._transcriber.seconds
        if self._transcriber.last_sound != last_sound:
            self._session.request.last_loud_at = time.time()
        await self._send(results)

    async def _send(self, results: Iterable[Body]) -> None:
        for transcript in _transcripts(results):
            await self._session.send(**transcript, language=self._language)


def _transcripts(results: Iterable[Body]) -> Iterator[Body]:
    """Convert Deepgram's results to the gateway's, without those that have no words."""
    for body in results:
        best = body["channel"]["alternatives"][0] if body["type"] == "Results" else {}
        if best.get("transcript"):
            yield {
                "type_": "final_transcript" if body["is_final"] else "interim_transcript",
                "transcript": best["transcript"],
                "start": body["start"],
                "duration": body["duration"],
                "confidence": best["confidence"],
                "words": [{name: word[name] for name in _OF_A_WORD} for word in best["words"]],
            }
