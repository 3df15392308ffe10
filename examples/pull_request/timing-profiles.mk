# Run the checks of the workflow beside this file on your own machine or in any other CI.
# `include timing-profiles.mk` at the end of a Makefile, or `make -f timing-profiles.mk`:
#
#     make timing-check                         every problem, with file, line and column
#     make timing-diff                          what changes for callers since the branch left
#     make timing-diff BASE=v1.2                origin/main or BASE, including uncommitted edits
#     make timing-diff FORMAT=markdown          the same for a comment

BASE ?= origin/main
FORMAT ?= text
TIMING_PROFILES ?= timing-profiles
export BASE FORMAT

.PHONY: timing-check timing-diff

timing-check:
	@$(TIMING_PROFILES) check

# Checked-in files that look like a bare repository are not one.
GIT := git -c safe.bareRepository=explicit

# Without a common commit, `diff` reports what is wrong with BASE.
timing-diff:
	@left=$$($(GIT) merge-base "$$BASE" HEAD 2>/dev/null) && \
	    left=$$($(GIT) rev-parse --short "$$left"); \
	    $(TIMING_PROFILES) diff --git "$${left:-$$BASE}" --format "$$FORMAT"
