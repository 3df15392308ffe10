"""Files -> one checked, frozen set of profiles with a revision.

Reading a directory, YAML with positions, the schema, `extends`, and all diagnostics of files.
May import `turns`.
"""
