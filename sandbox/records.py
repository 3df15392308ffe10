"""What a worker has logged, as the records that it writes in production: JSON, one a line."""

import json
from typing import Any

from sandbox.worker import Worker


def records(worker: Worker, message: str = "") -> list[dict[str, Any]]:
    """Its records so far, in order, whose message begins so."""
    lines = worker.log.splitlines(keepends=True)
    found = [json.loads(line) for line in lines if line[0] == "{" and line.endswith("}\n")]
    return [record for record in found if record["message"].startswith(message)]


def started_processes(worker: Worker) -> list[int]:
    """The process ids of all job processes that it has started and that were ready, in order."""
    return [record["pid"] for record in records(worker, "process initialized")]
