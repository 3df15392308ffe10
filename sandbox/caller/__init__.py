"""A scripted caller: joins a room, speaks, and measures when the agent answers.

`make call`, or `python -m sandbox.caller`, takes what varies a call from the environment:

    PROFILE            the profile to ask for, as metadata {"profile": ...}
    METADATA           the caller's whole metadata instead
    SAY                what to say: [1.5] is a pause of 1.5 s, | ends a turn
    VOICE, RATE        a voice of espeak-ng, words per minute
    ATTRIBUTES         participant attributes, a JSON object of strings
    KIND               standard or sip
    ROOM_METADATA      metadata of the room
    DISPATCH_METADATA  metadata of the agent's dispatch
    OBSERVER=1         somebody who may not speak is in the room first
    PRECONNECT=1       the caller speaks before the agent is there
    RECORD=call.wav    keep the call: the caller on the left, the agent on the right
    WAIT               seconds to wait for the agent to come, and for each answer
"""

from sandbox.caller.call import Caller, Dial, NotAnsweredError, call, join
from sandbox.caller.measure import Call, Turn
from sandbox.caller.script import Script, parse_say

__all__ = [
    "Call",
    "Caller",
    "Dial",
    "NotAnsweredError",
    "Script",
    "Turn",
    "call",
    "join",
    "parse_say",
]
