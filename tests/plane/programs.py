"""The programs of the control plane: their command lines, and the question that each answers once it can be used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from carbonlib.targets.kubernetes import mistakes

from .identity import HOST, Identity
from .plumbing import waiting

ROLES = ("etcd", "etcd-peer", "api", "controllers", "scheduler", "kubelet")
KWOK = Path(__file__).parent / "kwok"
# The fault that a kubelet finds in a pod: the one that a test has written on it, or the mistake in what is declared.
FAULT = f"""
.metadata.labels["carbon.test/fault"] // (.spec.containers.[0]
| if .readinessProbe.httpGet.path == "{mistakes.NO_PATH}" then "never-ready"
  elif .resources.limits.memory == "{mistakes.LITTLE_MEMORY}" then "crash-loop"
  elif (.image // "" | endswith(":{mistakes.NO_TAG}")) then "image-pull" else null end)
"""


@dataclass(frozen=True)
class Program:
    """One process: its name, what is run, and the address that answers 200 once it can be used."""

    name: str
    arguments: list[str]
    ready: str


def ports(base: int) -> dict[str, int]:
    """The port of every role."""
    return {role: base + offset for offset, role in enumerate(ROLES)}


def programs(state: Path, base: int, identity: Identity, plumbing: Sequence[Path]) -> list[Program]:
    """The programs in the order of their start.

    Args:
        plumbing: further configuration files of KWOK: where forwarded ports, logs and commands lead; none where no
            engines stand behind the pods, for which then none waits.
    """
    port = ports(base)
    return [
        Program("etcd", _etcd(state, port), f"http://{HOST}:{port['etcd']}/health"),
        Program("kube-apiserver", _api_server(port, identity), f"{identity.url}/readyz"),
        Program("kube-controller-manager", _controllers(port, identity), _healthz(port["controllers"])),
        Program("kube-scheduler", _scheduler(port, identity), _healthz(port["scheduler"])),
        Program(
            "kwok",
            _kwok(port, identity, [*_stages(state, waiting() if plumbing else "null"), *plumbing]),
            _healthz(port["kubelet"]),
        ),
    ]


def _healthz(port: int) -> str:
    return f"https://{HOST}:{port}/healthz"


def _etcd(state: Path, port: dict[str, int]) -> list[str]:
    client, peer = f"http://{HOST}:{port['etcd']}", f"http://{HOST}:{port['etcd-peer']}"
    return [
        "--name=carbon", f"--data-dir={state / 'etcd'}", "--log-level=warn",
        f"--listen-client-urls={client}", f"--advertise-client-urls={client}", f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}", f"--initial-cluster=carbon={peer}",
        "--unsafe-no-fsync=true",  # what it holds is worth nothing after the machine has stopped
    ]  # fmt: skip


def _tls(identity: Identity) -> list[str]:
    return [f"--tls-cert-file={identity.certificate}", f"--tls-private-key-file={identity.key}"]


def _api_server(port: dict[str, int], identity: Identity) -> list[str]:
    return [
        f"--etcd-servers=http://{HOST}:{port['etcd']}", f"--secure-port={port['api']}",
        f"--bind-address={HOST}", f"--advertise-address={HOST}", *_tls(identity),
        f"--token-auth-file={identity.tokens}", "--authorization-mode=Node,RBAC",
        f"--service-account-issuer=https://{HOST}", f"--service-account-signing-key-file={identity.account_key}",
        f"--service-account-key-file={identity.account_key}", "--service-cluster-ip-range=10.96.0.0/16",
        "--endpoint-reconciler-type=none", "--allow-privileged=true", "--profiling=false",
        "--kubelet-preferred-address-types=InternalIP",
    ]  # fmt: skip


def _controllers(port: dict[str, int], identity: Identity) -> list[str]:
    return [
        f"--kubeconfig={identity.kubeconfig('controllers')}", "--leader-elect=false", f"--bind-address={HOST}",
        f"--secure-port={port['controllers']}", *_tls(identity), "--authentication-skip-lookup",
        f"--service-account-private-key-file={identity.account_key}", f"--root-ca-file={identity.ca}",
        "--use-service-account-credentials=true", "--profiling=false",
        # KWOK says how its nodes are; the others ask a cloud, or routes, that are not there.
        "--node-monitor-grace-period=1h", "--controllers=*,-nodeipam,-node-route-controller,-cloud-node-lifecycle",
    ]  # fmt: skip


def _scheduler(port: dict[str, int], identity: Identity) -> list[str]:
    return [
        f"--kubeconfig={identity.kubeconfig('scheduler')}", "--leader-elect=false", f"--bind-address={HOST}",
        f"--secure-port={port['scheduler']}", *_tls(identity), "--authentication-skip-lookup", "--profiling=false",
    ]  # fmt: skip


def _stages(state: Path, waiting: str) -> list[Path]:
    """What KWOK plays, with the questions for a pod's fault and for its engine filled in."""
    folder = state / "kwok"
    folder.mkdir(parents=True, exist_ok=True)
    for path in KWOK.glob("*.yaml"):
        text = path.read_text(encoding="utf-8").replace("$FAULT", " ".join(FAULT.split())).replace("$WAITING", waiting)
        (folder / path.name).write_text(text, encoding="utf-8")
    return sorted(folder.iterdir())


def _kwok(port: dict[str, int], identity: Identity, configs: Sequence[Path]) -> list[str]:
    return [
        f"--kubeconfig={identity.kubeconfig('kwok')}", "--manage-all-nodes=true", f"--node-ip={HOST}",
        f"--node-port={port['kubelet']}", f"--server-address={HOST}:{port['kubelet']}", *_tls(identity),
        "--cidr=10.244.0.0/16", *(f"--config={config}" for config in configs),
    ]  # fmt: skip
