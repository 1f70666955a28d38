"""What an overlay declares: values, sizes, and the objects of a layer."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from carbonlib._errors import UsageError
from carbonlib.references import names
from carbonlib.targets.kubernetes.objects import identity
from carbonlib.targets.kubernetes.overlay import FOLDER, Overlay, unlabelled
from carbonlib.targets.kubernetes.target import Kubernetes

SECRETS = {"kafka_flink": "p-flink", "kafka_doris": "p-doris"}
needs_kubectl = pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl renders the manifests")


def test_an_unknown_overlay_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no overlay 'nowhere'") as caught:
        Overlay("nowhere")
    assert "production" in caught.value.remedy and "small" in caught.value.remedy


def test_the_environment_names_the_overlay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARBON_OVERLAY", "small")
    assert Overlay().folder == FOLDER / "overlays" / "small"
    assert Kubernetes().overlay.plain["doris.replication_num"] == "1"


def test_values_refer_to_each_other_and_to_secrets() -> None:
    overlay = Overlay("production")
    values = overlay.values(SECRETS)
    assert values["catalog.uri"] == f"jdbc:postgresql://{values['postgres.host']}:{values['postgres.port']}/iceberg"
    assert 'password="p-flink"' in values["kafka.flink_login"] and values["kafka.doris_password"] == "p-doris"
    assert values["secret.kafka_flink"] == "p-flink"


def test_secrets_that_stand_in_texts_of_jobs_and_loads_are_known() -> None:
    assert {"kafka_flink", "kafka_doris"} <= Overlay("production").secrets_in_values()
    assert "kafka_connect" not in Overlay("production").secrets_in_values()


def test_what_a_secret_takes_part_in_is_not_plain() -> None:
    plain = Overlay("production").plain
    assert "kafka.flink_login" not in plain and not any(
        "secret." in name for text in plain.values() for name in names(text)
    )


def test_an_overlay_lays_its_own_values_over_the_common_ones(tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text("resources: []\n")
    (tmp_path / "values.yaml").write_text("postgres.host: db.test\n")
    overlay = Overlay(str(tmp_path))
    assert overlay.plain["catalog.uri"] == "jdbc:postgresql://db.test:5432/iceberg"


@needs_kubectl
def test_the_users_of_kafka_are_known_by_their_secrets() -> None:
    users = Kubernetes("production").kafka_users()
    assert users == {"kafka_carbon": "carbon", "kafka_registry": "registry", "kafka_connect": "connect",
                     "kafka_lag": "lag"}  # fmt: skip


@needs_kubectl
@pytest.mark.parametrize("name", ["production", "small"])
def test_every_object_belongs_to_a_layer(name: str) -> None:
    overlay = Overlay(name)
    assert unlabelled(overlay.objects(), [*overlay.facts["layers"], overlay.facts["jobs"]]) == []


def test_pods_carry_a_digest_of_what_they_read(tmp_path: Path) -> None:
    overlay = Overlay("production")
    first, second = [overlay._stamped([_config(text), _reader()])[1] for text in ("a=1", "a=2")]
    notes = [o["spec"]["template"]["metadata"]["annotations"]["carbon.io/config"] for o in (first, second)]
    assert notes[0] != notes[1]
    assert overlay._stamped([_config("a=1"), _reader()])[1] == first


def _config(text: str) -> dict[str, Any]:
    meta = {"name": "settings", "namespace": "n"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"a.properties": text}}


def _reader() -> dict[str, Any]:
    volumes = [{"name": "settings", "configMap": {"name": "settings"}}]
    template = {"metadata": {}, "spec": {"volumes": volumes}}
    meta = {"name": "reader", "namespace": "n"}
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": meta, "spec": {"template": template}}


@needs_kubectl
def test_sizes_are_laid_over_the_manifests() -> None:
    overlay = Overlay("production")
    assert overlay.sizes()["brokers"] == 3
    (brokers,) = [
        o for o in overlay.manifests("kafka", {"brokers": 5}) if identity(o) == "StatefulSet/data-platform/kafka"
    ]
    assert brokers["spec"]["replicas"] == 5
    assert overlay.sizes()["brokers"] == 3
