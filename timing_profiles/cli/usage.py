"""A command line that asks for what is not there."""


class UsageError(Exception):
    """The command line asks for what is not there; the text says what is."""
