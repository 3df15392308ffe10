"""The hook in pre-commit's configuration."""

import difflib

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from timing_profiles.authoring import pre_commit_config

ENTRY = "timing-profiles check"

HOOK = """\
- repo: local
  hooks:
    - id: timing-profiles
      name: timing profiles
      entry: timing-profiles check
      language: system
      pass_filenames: false
      always_run: true
"""

RUFF = {"repo": "https://example.com/ruff", "rev": "v1", "hooks": [{"id": "ruff"}]}


def added_lines(before: str, after: str) -> list[str]:
    """The lines that were added; nothing may have been removed or changed."""
    compared = list(difflib.ndiff(before.splitlines(), after.splitlines()))
    assert [line for line in compared if line[0] in "-?"] == []
    return [line[2:] for line in compared if line[0] == "+"]


def test_a_new_configuration_has_the_hook() -> None:
    """And nothing else."""
    found = yaml.safe_load(pre_commit_config.new(ENTRY))
    assert found == {"repos": yaml.safe_load(HOOK)}
    assert pre_commit_config.hook(ENTRY) == HOOK
    assert pre_commit_config.has_hook(pre_commit_config.new(ENTRY))


SAMPLE = """\
# Ours.
default_stages: [pre-commit]
repos:
  # Formatting.
  - repo: https://example.com/ruff
    rev: v1  # pinned
    hooks:
      - id: ruff
        args: [--fix,
               --quiet]  # both
  # - repo: an old one
ci:
  autofix_prs: false
"""

# As `pre-commit sample-config` prints it.
PRE_COMMITS_OWN = """\
# See https://pre-commit.com for more information
repos:
-   repo: https://github.com/pre-commit/pre-commit-hooks
    rev: v3.2.0
    hooks:
    -   id: trailing-whitespace
    -   id: check-added-large-files
"""


@pytest.mark.parametrize(
    "text",
    [
        SAMPLE,
        SAMPLE.partition("ci:")[0],
        SAMPLE.replace("  -", "-").replace("    ", "  "),
        PRE_COMMITS_OWN,
        "repos:\n- repo: https://example.com/ruff\n  rev: v1\n  hooks: [{id: ruff}]",
        "repos:\n- repo: local\n  hooks:\n  - id: x\n    entry: |\n      a\n\n      b\n\n# c\nx: 1",
        "repos:\n- repo: local\n  hooks:\n  - id: x\n    entry: >-\n      a\n      b\n",
        'repos:\n- repo: local\n  hooks:\n  - id: x\n    entry: "a\n      b"\n',
        "repos:\n- {repo: meta, hooks: [{id: identity}]}\n",
        "---\nrepos:\n- repo: meta\n  hooks:\n  - id: x\n    exclude:\n...\n",
        "x: &a [{id: ruff}]\nrepos:\n- repo: meta\n  hooks: [{id: x}]\n",
    ],
)
def test_the_hook_is_added_and_all_else_is_kept(text: str) -> None:
    """Comments, order and style; the same with the line ends of Windows."""
    for before in (text, text.replace("\n", "\r\n")):
        after = pre_commit_config.with_hook(before, ENTRY)
        assert after is not None
        assert [line.strip() for line in added_lines(before, after)] == [
            line.strip() for line in HOOK.splitlines()
        ]
        assert after.count("\r\n") == (after.count("\n") if "\r\n" in before else 0)
        old, new = yaml.safe_load(before), yaml.safe_load(after)
        assert new == {**old, "repos": [*old["repos"], *yaml.safe_load(HOOK)]}
        assert list(new) == list(old)
        assert pre_commit_config.has_hook(after)
        assert not pre_commit_config.has_hook(before)


@pytest.mark.parametrize(
    "text",
    [
        "repos: []\n",
        "repos: [{repo: meta, hooks: [{id: identity}]}]\n",
        "fail_fast: true\n",
        "- repo: meta\n",
        "repos:\n-\n  repo: meta\n  hooks: [{id: identity}]\n",
        "a: &a\n- repo: meta\nrepos: *a\n",
        "repos:\n- repo: meta\n  hooks: &h [{id: x}]\n- repo: meta\n  hooks: *h\n",
        "repos:\n- repo: meta\nrepos:\n- repo: meta\n",
        "repos:\nrepos:\n- repo: meta\n",
        "repos: [\n",
        "a: 2024-99-99\nrepos:\n- repo: meta\n",
        "repos:\n- repo: meta\n--- \na: 1\n",
        "? [a]\n: 1\nrepos:\n- repo: meta\n",
        "[" * 1000,
    ],
)
def test_unsupported_configuration_is_left_unchanged(text: str) -> None:
    """Nothing is raised; the lines can be printed instead."""
    assert not pre_commit_config.has_hook(text)
    assert pre_commit_config.with_hook(text, ENTRY) is None


@pytest.mark.parametrize("text", ["", "# nothing", "---\n# nothing\n"])
def test_an_empty_configuration_gets_the_hook(text: str) -> None:
    """Its comments are kept."""
    after = pre_commit_config.with_hook(text, ENTRY)
    assert after
    assert yaml.safe_load(after) == {"repos": yaml.safe_load(HOOK)}
    assert after.startswith(text)


def test_missing_lines_are_returned() -> None:
    """With `repos:` where there is none."""
    assert pre_commit_config.to_add("repos: []", ENTRY) == HOOK
    assert pre_commit_config.to_add("repos: [", ENTRY) == HOOK
    assert pre_commit_config.to_add("fail_fast: true", ENTRY) == pre_commit_config.new(ENTRY)


@pytest.mark.parametrize(
    "hook",
    [
        {"id": "timing-profiles"},
        {"id": "ours", "entry": "uv run timing-profiles check --strict", "language": "system"},
    ],
)
def test_existing_hook_is_detected(hook: dict[str, str]) -> None:
    """Of any repository, under any name."""
    text = yaml.safe_dump({"repos": [RUFF, {"repo": "x", "hooks": [{"id": "y"}, hook]}]})
    assert pre_commit_config.has_hook(text)
    assert not pre_commit_config.has_hook(yaml.safe_dump({"repos": [RUFF, {"hooks": None}, 1]}))


@given(
    st.lists(
        st.sampled_from(
            [
                *SAMPLE.splitlines(),
                *HOOK.splitlines(),
                "repos:",
                "- a",
                "  - |",
                " *a",
                "&a b",
                "...",
            ]
        ),
        max_size=12,
    )
)
def test_any_text_is_read_without_an_exception(lines: list[str]) -> None:
    """A text that is changed reads as before, with one more entry."""
    text = "\n".join(lines)
    pre_commit_config.has_hook(text)
    after = pre_commit_config.with_hook(text, ENTRY)
    if after is not None:
        before = yaml.safe_load(text) or {"repos": []}
        expected = {**before, "repos": [*before["repos"], *yaml.safe_load(HOOK)]}
        assert yaml.safe_load(after) == expected
