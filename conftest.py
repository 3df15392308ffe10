"""Fixtures that the tests of the library and of the lab share."""

pytest_plugins = ["sandbox.fixtures"]
