"""What the manifests of Doris promise beside their schemas: pods roll when what they read changes, memory is enough."""

from __future__ import annotations

import re

import pytest

from carbonlib.sizing import quantity

from .rendering import KUBERNETES, Object, find

PRODUCTION = KUBERNETES / "overlays" / "production"


def container(workload: str) -> Object:
    return dict(find(PRODUCTION, "StatefulSet", workload)["spec"]["template"]["spec"]["containers"][0])


@pytest.mark.parametrize(("workload", "file"), [("doris-fe", "fe.conf"), ("doris-be", "be.conf")])
def test_pods_carry_what_they_read(workload: str, file: str) -> None:
    template = find(PRODUCTION, "StatefulSet", workload)["spec"]["template"]
    assert (
        template["metadata"]["annotations"]["carbon.io/config"] == find(PRODUCTION, "ConfigMap", workload)["data"][file]
    )


FRONTEND = {"http_port": "http", "rpc_port": "rpc", "query_port": "query", "edit_log_port": "edit-log"}
BACKEND = {"webserver_port": "http", "heartbeat_service_port": "heartbeat", "be_port": "be", "brpc_port": "brpc"}


@pytest.mark.parametrize(
    ("workload", "file", "names"), [("doris-fe", "fe.conf", FRONTEND), ("doris-be", "be.conf", BACKEND)]
)
def test_ports_are_those_of_the_configuration(workload: str, file: str, names: dict[str, str]) -> None:
    text = find(PRODUCTION, "ConfigMap", workload)["data"][file]
    configured = {name: int(re.findall(rf"^{key} = (\d+)$", text, re.M)[0]) for key, name in names.items()}
    own = container(workload)
    assert {p["name"]: p["containerPort"] for p in own["ports"]} == configured
    probed = {
        own[p].get("tcpSocket", own[p].get("httpGet"))["port"]
        for p in ("startupProbe", "readinessProbe", "livenessProbe")
    }
    assert probed <= set(configured)
    assert own["readinessProbe"] != own["livenessProbe"] != own["startupProbe"]


def test_members_are_known_by_name_and_heaps_leave_room() -> None:
    frontend, backend = (
        find(PRODUCTION, "ConfigMap", f"doris-{part}")["data"][f"{part}.conf"] for part in ("fe", "be")
    )
    assert "\nenable_fqdn_mode = true\n" in frontend, "the start script would append it to a file that it may not write"
    assert "-XX:MaxRAMPercentage=70" in frontend and "-Xmx" not in frontend
    share = int(re.findall(r"^mem_limit = (\d+)%$", backend, re.M)[0]) / 100
    heap = int(re.findall(r"-Xmx(\d+)m", backend)[0]) * 1024**2
    memory = int(quantity(container("doris-be")["resources"]["limits"]["memory"]))
    assert memory * share + heap < memory
