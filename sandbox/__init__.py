"""Stand-ins for LiveKit, Deepgram and the LLM on this machine; the library never imports them."""
