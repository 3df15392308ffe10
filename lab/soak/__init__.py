"""Find growth: `make soak` runs a worker under load for an hour, and samples it.

A real worker on the real LiveKit server is called all the time, while its folder of profiles is
edited all the time: good edits, broken ones, mended ones, renamed files, and swaps as Kubernetes
makes them of a ConfigMap. Sampled is the worker's main process:

| quantity | from |
|---|---|
| own memory, RSS | `Anonymous` and `Rss` of `/proc/<pid>/smaps_rollup`, in MB |
| open files, threads | `/proc/<pid>/fd`, `/proc/<pid>/task` |
| files in state folder | what it publishes to its jobs |
| job processes | the warm ones, and those of calls; each ends with its call |

A line is fitted to the samples of each quantity (the median of the slopes between any two, so that
no single sample decides), without the first third of the run: Python, SQLite and the SDK's
connections take their memory in the first few hundred reloads. Of memory, 5 MB more are allowed, or
1 MB for each 1,000 reloads where that is more. A run of 5,000 reloads and 350 calls took 0.5 MB
for each 1,000. Of everything else, a few more are allowed, however long the run is.

`python -m lab.soak.calls` is the other half: calls under reload, each held to the edit that it
began with.
"""
