"""Where the systems of the local stack are, and what the references in manifests and SQL stand for there."""

from __future__ import annotations

from typing import Any

from ..config import Settings
from . import manifest

HOST = "127.0.0.1"
LOGINS = (
    "kafka.flink_login", "kafka.flink_ca", "kafka.connect_login", "kafka.connect_ca", "kafka.doris_password",
    "kafka.doris_ca",
)  # fmt: skip


def _url(where: Settings, role: str, index: int = 0) -> str:
    return f"http://{HOST}:{manifest.port(where, role, index)}"


def _first_brokers(profile: dict[str, Any]) -> range:
    """The brokers that vote, and that clients begin with: any of them knows those that were added later."""
    return range(min(int(profile["brokers"]), len(manifest.declared()["ports"]["controller"])))


def _bootstrap(where: Settings, profile: dict[str, Any]) -> str:
    return ",".join(f"{HOST}:{manifest.port(where, 'kafka', i)}" for i in _first_brokers(profile))


def addresses(where: Settings, profile: dict[str, Any]) -> dict[str, Any]:
    """Addresses by system, as `carbon endpoints` shows them; secrets by name only."""
    jobmanagers = [_url(where, "jobmanager", i) for i in range(int(profile["jobmanagers"]))]
    workers = [f"{_url(where, 'connect_metrics', i)}/metrics" for i in range(int(profile["workers"]))]
    return {
        "kafka": {"bootstrap_servers": _bootstrap(where, profile)},
        "registry": {"url": f"{_url(where, 'registry')}/apis/ccompat/v7"},
        "connect": {"url": _url(where, "connect"), "metrics": workers},
        "flink": {"url": jobmanagers[0], "urls": jobmanagers},
        "doris": {
            "host": HOST,
            "query_port": manifest.port(where, "doris_query"),
            "http_url": _url(where, "doris_http"),
            "user": "rt_reader",
            "secret": "doris_reader",
        },
        "catalog": {
            "host": HOST,
            "port": manifest.port(where, "postgres"),
            "user": "carbon",
            "secret": "postgres",
            "warehouse": f"file://{where.state}/data/warehouse",
        },
        "apis": {"url": _url(where, "apis")},
        "postgres": {"host": HOST, "port": manifest.port(where, "postgres"), "user": "carbon", "secret": "postgres"},
        "mariadb": {"host": HOST, "port": manifest.port(where, "mariadb"), "user": "root", "secret": "mariadb_root"},
        "search": {"url": _url(where, "search")},
        "objectstore": {"url": _url(where, "objectstore"), "secret": "objectstore"},
        "feed": {"url": f"ws://{HOST}:{manifest.port(where, 'feed')}/v1/prices", "secret": "feed_token"},
    }


def references(where: Settings, profile: dict[str, Any]) -> dict[str, str]:
    """`namespace.name` → value, secrets left out."""
    known = addresses(where, profile)
    brokers = int(profile["brokers"])
    doris, catalog = known["doris"], known["catalog"]
    voters = [f"{i + 1}@{HOST}:{manifest.port(where, 'controller', i)}" for i in _first_brokers(profile)]
    return {
        "kafka.bootstrap_servers": known["kafka"]["bootstrap_servers"],
        "kafka.voters": ",".join(voters),
        "kafka.replication": str(min(3, brokers)),
        "kafka.min_insync": "2" if brokers >= 3 else "1",
        # The listeners ask for nothing here; what a login would need stands for nothing.
        "kafka.security_protocol": "PLAINTEXT",
        "kafka.sasl_mechanism": "SCRAM-SHA-512",
        "kafka.forward_protocol": str(profile["forward_protocol"]),
        **dict.fromkeys(LOGINS, ""),
        "registry.url": known["registry"]["url"],
        "registry.api_url": f"{_url(where, 'registry')}/apis/registry/v2",
        "connect.url": known["connect"]["url"],
        "doris.fenodes": doris["http_url"].removeprefix("http://"),
        "doris.query_address": f"{doris['host']}:{doris['query_port']}",
        "doris.replication_num": "1",
        "catalog.uri": f"jdbc:postgresql://{catalog['host']}:{catalog['port']}/iceberg",
        "catalog.user": catalog["user"],
        "catalog.warehouse": catalog["warehouse"],
        **{f"{name}.{key}": str(known[name][key]) for name in ("postgres", "mariadb") for key in ("host", "port")},
        "search.url": known["search"]["url"],
        "objectstore.url": known["objectstore"]["url"],
        **manifest.declared()["names"],
        "feed.url": known["feed"]["url"],
        "feed.rate": str(profile["feed_rate"]),
        **_apis(profile, known["apis"]["url"]),
    }


def _apis(profile: dict[str, Any], replay: str) -> dict[str, str]:
    """The replayed APIs, or the true hosts with an interval that their budgets allow."""
    clock = {"apis.start": str(profile["apis_start"]), "apis.pace": str(profile["apis_pace"])}
    if profile["apis_source"] == "live":
        return {**clock, **{f"apis.{k}": str(v) for k, v in manifest.declared()["live_apis"].items()}}
    urls = dict.fromkeys(("apis.eia_url", "apis.fred_url", "apis.noaa_url"), replay)
    return {**clock, **urls, "apis.poll_interval_ms": str(profile["poll_interval_ms"])}
