"""Log records of a worker in production mode: JSON, one a line."""

import json
from typing import Any

from sandbox.worker import Worker


def records(worker: Worker, message: str = "") -> list[dict[str, Any]]:
    """Return the records so far whose message begins with a text, oldest first."""
    lines = worker.log.splitlines(keepends=True)
    found = [json.loads(line) for line in lines if line[0] == "{" and line.endswith("}\n")]
    return [record for record in found if record["message"].startswith(message)]


def started_processes(worker: Worker) -> list[int]:
    """Return the ids of all job processes that have initialized, oldest first."""
    return [record["pid"] for record in records(worker, "process initialized")]
