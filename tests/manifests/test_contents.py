"""What the manifests name exists: programs and files of images, settings and classes of engines, topics and groups."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from carbonlib._project import MANIFESTS, SQL
from carbonlib.clients.kafka_rights import Right, read_rights
from carbonlib.config import settings
from carbonlib.local.engines import engines_folder

from .rendering import KUBERNETES, OVERLAYS, Object, find, identity, objects, pod_spec

BASE = KUBERNETES / "base"
CONTENTS = yaml.safe_load((KUBERNETES / "image-contents.yaml").read_text(encoding="utf-8"))
ENGINES = engines_folder(settings())
PATH = re.compile(r"(?<![\w.$}/:])/(?:etc|opt|run|tmp|var|reports)/[\w./-]+")
CLASS = re.compile(r"^(?:[a-z]\w*\.){2,}[A-Z]\w+$")
RENDERED = [OVERLAYS[0], KUBERNETES / "runbooks"]


def _containers() -> Iterator[tuple[str, Object, Object]]:
    for folder in RENDERED:
        for obj in objects(folder):
            spec = pod_spec(obj) or {}
            for container in (*spec.get("initContainers", []), *spec.get("containers", [])):
                if "image" in container:
                    yield identity(obj), spec, container


def _repository(image: str) -> str:
    return image.partition("@")[0].rpartition(":")[0]


def _said(container: Object) -> list[str]:
    """Words of command, arguments, probes and environment."""
    probes = [container.get(f"{k}Probe", {}).get("exec", {}).get("command", []) for k in ("startup", "readiness")]
    hook = container.get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command", [])
    values = [e["value"] for e in container.get("env", []) if "value" in e]
    return [*container.get("command", []), *container.get("args", []), *values, *hook, *(w for p in probes for w in p)]


def test_every_program_that_is_started_is_in_its_image() -> None:
    for name, _, container in _containers():
        image = CONTENTS[_repository(container["image"])]
        script = " ".join(container.get("args", []) if container.get("command", [])[-1:] == ["-c"] else [])
        started = [*container.get("command", [])[:1], *re.findall(r"(?:^|&& |exec )(\S+)", script)]
        for program in started:
            assert program in image["commands"], f"{name}: {program}"


def _mounted(spec: Object, container: Object, path: str) -> bool:
    """Whether a path leads into a volume, and to a file that is there."""
    mounts = [
        m for m in container.get("volumeMounts", []) if path == m["mountPath"] or path.startswith(m["mountPath"] + "/")
    ]
    if not mounts:
        return False
    mount = max(mounts, key=lambda m: len(m["mountPath"]))
    volume = next(v for v in [*spec["volumes"], *_claims(spec)] if v["name"] == mount["name"])
    inside = path.removeprefix(mount["mountPath"]).lstrip("/")
    return not inside or inside in _files(volume) or any(f.startswith(f"{inside}/") for f in _files(volume))


def _claims(spec: Object) -> list[Object]:
    known = {v["name"] for v in spec["volumes"]}
    mounts = [m["name"] for c in spec["containers"] for m in c.get("volumeMounts", [])]
    return [{"name": name, "emptyDir": {}} for name in mounts if name not in known]


class _Anything(frozenset[str]):
    def __contains__(self, item: object) -> bool:
        return True


def _files(volume: Object) -> frozenset[str]:
    """Files of a volume; anything in one that is written at run time."""
    if source := volume.get("configMap"):
        data = find(OVERLAYS[0], "ConfigMap", source["name"]).get("data", {})
        return frozenset(i["path"] for i in source.get("items", [])) or frozenset(data)
    if source := volume.get("secret"):
        return frozenset(i["path"] for i in source.get("items", [])) or _Anything()
    if source := volume.get("image"):
        return frozenset(f.lstrip("/") for f in CONTENTS[_repository(source["reference"])]["files"])
    if source := volume.get("projected"):
        return frozenset(f for each in source["sources"] for f in _files(each))
    return _Anything()


def test_every_path_that_is_named_leads_somewhere() -> None:
    for name, spec, container in _containers():
        image = CONTENTS[_repository(container["image"])]
        for word in _said(container):
            for path in PATH.findall(word):
                known = path in [*image["commands"], *image.get("files", [])] or _mounted(spec, container, path)
                assert known, f"{name}: {path}"


def _properties(name: str, *keys: str) -> dict[str, str]:
    data = find(OVERLAYS[0], "ConfigMap", name)["data"]
    lines = [line for key in keys for line in data[key].splitlines() if line.strip() and not line.startswith("#")]
    return {k: v for k, _, v in (line.partition("=") for line in lines)}


ROLES = {
    "broker": ("kafka-config", ("common.properties", "broker.properties")),
    "controller": ("kafka-config", ("common.properties", "controller.properties")),
    "worker": ("kafka-connect", ("worker.properties", "cluster.properties")),
}


@cache
def _known() -> dict[str, set[str]]:
    """Every setting of Kafka's parts, asked of the jars."""
    java = shutil.which("java")
    assert java, "a JDK is there wherever the project's Java modules are built"
    source = Path(__file__).parent / "Keys.java"
    command = [java, "-XX:TieredStopAtLevel=1", "-cp", f"{ENGINES / 'kafka'}/*", str(source)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    known: dict[str, set[str]] = {}
    for part, key in (line.split(" ") for line in done.stdout.splitlines()):
        known.setdefault(part, set()).add(key)
    return known


def _plain(role: str, key: str) -> tuple[str, str]:
    """Part of Kafka and key, without what names a listener or a client."""
    if role == "worker" and (found := re.match(r"(producer|consumer|admin)\.(.+)", key)):
        return found.group(1), found.group(2)
    key = re.sub(r"^listener\.name\.\w+\.(?:scram-sha-512\.)?", "", key)
    return ("worker" if role == "worker" else "broker"), key


@pytest.mark.parametrize("role", ROLES)
def test_every_setting_of_kafka_is_one_that_kafka_knows(role: str) -> None:
    config, files = ROLES[role]
    for key in _properties(config, *files):
        if re.match(r"config\.providers\.\w+\.", key) or key.startswith(("key.converter.", "value.converter.")):
            continue  # handed to the class that the key names
        part, plain = _plain(role, key)
        assert plain in _known()[part], f"{key} of a {role}"


@cache
def _classes() -> frozenset[str]:
    jars = [jar for folder in ("kafka", "plugins") for jar in (ENGINES / folder).rglob("*.jar")]
    names = (n for jar in jars for n in zipfile.ZipFile(jar).namelist() if n.endswith(".class"))
    return frozenset(n.removesuffix(".class").replace("/", ".") for n in names)


def test_every_class_of_the_settings_is_in_the_jars() -> None:
    for config, files in ROLES.values():
        for key, value in _properties(config, *files).items():
            first = value.split(" ")[0]
            if CLASS.match(first):
                assert first in _classes(), f"{key}={first}"


def test_brokers_are_set_as_on_the_local_target() -> None:
    """Only sizes differ: what a topic, a transaction or a lost broker means is the same on both."""
    local = {
        k: v
        for k, _, v in (
            line.partition("=")
            for line in (MANIFESTS / "local" / "kafka" / "server.properties").read_text().splitlines()
        )
    }
    shared = _properties("kafka-config", "common.properties", "broker.properties").keys() & local.keys()
    same = {
        k
        for k in shared
        if re.match(r"auto\.|num\.part|default\.|min\.|offsets.*factor|transaction|share|comp|broker\.(s|h)", k)
    }
    assert len(same) >= 12
    cluster = _properties("kafka-config", "common.properties", "broker.properties")
    assert {k: cluster[k] for k in same} == {k: local[k] for k in same}


@cache
def _registry_text() -> bytes:
    with zipfile.ZipFile(next((ENGINES / "apicurio" / "app").glob("apicurio-registry-app-*.jar"))) as app:
        wanted = [
            n
            for n in app.namelist()
            if "kafkasql/KafkaSql" in n or n == "application.properties" or "StorageConfig" in n
        ]
        return b"\n".join(app.read(n) for n in wanted)


def test_every_setting_of_the_registry_is_one_that_it_knows() -> None:
    for key in _properties("schema-registry", "registry.properties"):
        if key == "config_ordinal":
            continue
        if found := re.match(r"apicurio\.kafka\.common\.(.+)", key):  # handed to every client as it is
            assert found.group(1) in _known()["consumer"] & _known()["producer"] & _known()["admin"], key
            continue
        word = re.sub(r"(\.topic)\..+", r"\1", key)
        assert word.encode() in _registry_text() or key.startswith(("quarkus.http.", "quarkus.management.")), key


RIGHTS = {right for rights in read_rights(BASE / "kafka" / "rights.yaml").values() for right in rights}


def _may(user: str, kind: str, name: str, operation: str) -> bool:
    def fits(right: Right) -> bool:
        covers = name.startswith(right.name[:-1]) if right.name.endswith("*") else name == right.name
        return (right.user, right.kind, right.operation) == (user, kind, operation) and covers

    return any(map(fits, RIGHTS))


def _connectors() -> list[dict[str, Any]]:
    return [
        json.loads(p.read_text(encoding="utf-8")) for p in sorted((MANIFESTS / "connect" / "connectors").glob("*.json"))
    ]


@pytest.mark.parametrize("connector", _connectors(), ids=lambda c: c["name"])
def test_a_connector_may_read_and_write_its_topics(connector: dict[str, Any]) -> None:
    config = connector["config"]
    for topic in filter(None, config.get("topics", "").split(",")):
        assert _may("connect", "topic", topic, "READ"), topic
        assert _may("connect", "group", f"connect-{connector['name']}", "READ")
    written = (
        "kafka.topic",
        "errors.deadletterqueue.topic.name",
        "iceberg.control.topic",
        "schema.history.internal.kafka.topic",
    )
    for key in written:
        assert key not in config or _may("connect", "topic", config[key], "WRITE"), config.get(key)


def test_no_right_is_for_a_topic_that_does_not_exist() -> None:
    own = ("connect-", "kafkasql-", "registry-events")  # made by their owners, who may create them
    topics = yaml.safe_load((MANIFESTS / "kafka" / "topics.yaml").read_text(encoding="utf-8"))["topics"]
    for right in RIGHTS:
        if right.kind == "topic" and right.name != "*" and not right.name.startswith(own):
            name = right.name.removesuffix("*")
            assert any(t == name or (right.name.endswith("*") and t.startswith(name)) for t in topics), right


def test_jobs_and_routine_loads_may_use_their_groups() -> None:
    jobs = yaml.safe_load((MANIFESTS / "flink" / "jobs.yaml").read_text(encoding="utf-8"))["jobs"]
    groups = [j["parameters"]["group"] for j in jobs if "group" in j.get("parameters", {})]
    assert groups
    for group in groups:
        assert _may("flink", "group", group, "READ"), group
        assert _may("flink", "transactional_id", f"{group}-enriched-1", "WRITE"), group
    for load in sorted((SQL / "doris").glob("9*_load_*.sql")):
        text = load.read_text(encoding="utf-8")
        for kind, key in (("group", "property.group.id"), ("topic", "kafka_topic")):
            found = re.search(rf'"{re.escape(key)}"\s*=\s*"([^"]+)"', text)
            assert found and _may("doris", kind, found.group(1), "READ"), load.name
