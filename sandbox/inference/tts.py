"""`/tts`: text in, espeak-ng's speech out, in one voice whatever the model."""

import asyncio
import base64
from typing import Final

from sandbox import speech
from sandbox.deepgram.record import Body
from sandbox.inference.session import Session, sample_rate

_CHUNK_SECONDS: Final = 0.1


async def speak(session: Session) -> None:
    """Serve a session until either side closes it: speak each text as it arrives.

    Raises:
        ValueError, TypeError or KeyError: The client sends an invalid message.
        ConnectionResetError: The client has gone.
    """
    rate = sample_rate(await session.open())
    await session.send("session.created")
    while (body := await session.receive()) is not None:
        await _obey(session, body, rate)
        if body["type"] == "session.close":
            return


async def _obey(session: Session, body: Body, rate: int) -> None:
    match body["type"]:
        case "input_transcript":
            await _say(session, body["transcript"], rate)
        case "session.flush":
            await session.send("done")
        case "session.close":
            await session.send("session.closed")
        case unknown:
            raise ValueError(unknown)


async def _say(session: Session, text: str, rate: int) -> None:
    if not text.strip():
        return
    audio = await asyncio.to_thread(speech.synthesize, text, voice=speech.AGENT, sample_rate=rate)
    size = round(_CHUNK_SECONDS * rate) * 2
    for start in range(0, len(audio), size):
        chunk = audio[start : start + size]
        await session.send("output_audio", audio=base64.b64encode(chunk).decode())
        session.request.audio += len(chunk) / 2 / rate
