"""A scripted caller: joins a room, speaks, and measures when the agent answers.

`make call`, or `python -m sandbox.caller`, takes what varies a call from the environment:

    PROFILE            the profile to ask for, as metadata {"profile": ...}; several, with commas
                       between, are called one after the other
    METADATA           the caller's whole metadata instead
    SAY                what to say: [1.5] is a pause of 1.5 s, | ends a turn
    VOICE, RATE        a voice of espeak-ng, words per minute
    ATTRIBUTES         participant attributes, a JSON object of strings
    KIND               standard or sip
    ROOM_METADATA      metadata of the room
    DISPATCH_METADATA  metadata of the agent's dispatch
    OBSERVER=1         a participant who may not speak joins first
    PRECONNECT=1       the caller speaks before the agent is there
    RECORD=call.wav    keep the call: the caller on the left, the agent on the right; several
                       calls are kept as call-1.wav, call-2.wav
    WAIT               seconds to wait for the agent to come, and for each answer
    FORMAT             text or json; by default text on a terminal, else json

Text draws caller and agent on one time axis, and lists what differs from default. JSON is an object
for one call, a list of them for several:

    values    each field, with its `value` and `origin`; null beside a `note` why, when the agent
              took something else than the same metadata resolves to here
    profile   active, as the agent reports it; null when it reports none
    revision  likewise
    problems  codes of what the agent left out of the metadata
    waits     seconds from the last sound sent to the first sound of the agent, one for each turn;
              null for one without an answer
    cut_in    whether the agent spoke into a pause

The status is 0 when every call was answered, whatever the agent left out; 1 when one was not, after
the pictures of those that were; 2 when a variable is invalid; 130 after Ctrl-C.
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
