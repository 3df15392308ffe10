"""Compare the wait that a profile promises with the wait of real callers: `make fidelity`.

Every starter profile is called under every way to end a turn:

| mode | laid over the profile |
|---|---|
| `vad` | the VAD alone ends turns |
| `detector-done` | LiveKit's turn detector finds every sentence finished (threshold 0) |
| `detector-more` | it finds none finished (threshold 1) |
| `flux` | Deepgram Flux hears, and ends turns |
| `stt` | the profile's own engine of Deepgram hears, and ends turns |

The worker, the SDK, its plugins and the LiveKit server are the real ones. Deepgram and the LLM are
stand-ins. Their own time is measured in the same turns and printed beside the result: it is no part
of what a profile says. So is the turn detector's, which is a matter of the machine. `manual` and
`realtime_llm` are no modes: there the application or the model ends the turn.

Each turn is predicted by itself, with the path and the others' time as they were in it. Printed are
the medians, in seconds:

- **decision**: from the end of speech, as the agent's VAD has it (`stt`, `flux`: as Deepgram has
  it), until the agent decides that the turn is over: its own `end_of_turn_delay`, read from the
  room. Predicted are the terms of `timing_profiles.turns.wait`, `max(delay, VAD silence)`, or what
  the agent waited for where that came later: the words, the turn detector's verdict. With `stt` and
  `flux` it is `min_delay`. The error is the 95th percentile of the turns.
- **wait**: from the last audible sample that the caller sends to the first one that it hears.
  Predicted is `in + E + TTS + out`, and the LLM's time unless preemptive generation hides it. `E`
  is `timing_profiles.turns.wait.effective` for the delay in force, with what Deepgram and the turn
  detector add to it. The error is that of the median; more than 0 is later than predicted.
- **in**, **out**: the constant of the path. In: from the caller's last sound until the stand-in for
  Deepgram has it. Out: from the moment when the agent plays its answer until the caller hears it.
  Opus, WebRTC's buffers and frames of 50 ms are in it, and a busy machine makes it longer.
- **Deepgram**: what it takes beyond `endpointing_ms`; of Flux, all that it takes to end a turn.
  **detector**: until the agent has its verdict. **LLM**, **TTS**: as the agent reports them.

A second table compares live decisions with `timing-profiles rehearse`: with the turn detector's own
threshold, by the VAD, and by Deepgram's words (`flux`, `stt`). Words are those that the stand-in
sent in the call, with their times, as a file for `--words`; `--stt-delay` is the median of what its
messages took. `listening_agent` records what it hears, as LiveKit's own recordings do. Each turn is
looked for there, the decision, state `thinking`, is counted from when its sound came, and the same
sound is rehearsed. So neither the path nor Opus is in the comparison. Opus moves probabilities by
0.1, and ends of speech by 32 ms: one window of the VAD.

The frames of a session lie anywhere against the sound, and in 100 pairs of rehearsals whose frames
lie differently some 65 decide the same within 0.05 s. Where they lay in a call is known: frames of
0.05 s and windows of the VAD of 0.032 s count from the first sample that the agent got. Each turn
is rehearsed with frames and windows that lie as in the call; the table also has how often a
rehearsal agrees as `rehearse` prints it, with frames of its own ("phase 0").
"""
