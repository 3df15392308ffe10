"""Compare how `default` and `noisy-line` end turns in noise: `python -m lab.noise`.

A caller of synthetic speech says ten turns, half of them with a pause. Each noise of the SDK is
mixed under them at several levels, as by `timing-profiles rehearse --noise`, and both profiles are
rehearsed. Printed for each: the turns cut, the mean wait, the turns that are not ended within the
longest wait and two seconds, and how much of a minute of the noise alone is heard as speech.

Of `noisy-line`, only `activation_threshold` is rehearsed. `interruption.min_words` matters while
the agent speaks.
"""
