"""The contract of a target, on `kubernetes`."""

from __future__ import annotations

from typing import Any

import pytest

import carbonlib
from tests.contract.suite import Place, TargetContract

from .conftest import TARGET, Plane

NO_ADDRESS = {"flink": "each job has a cluster of its own; the operator speaks for them"}
NOT_HERE = {
    "deploy-30": "there is no session cluster: each job has its own, which the operator of deploy-31 makes",
    "drill-10": "kills processes; a pod of the control plane has its engine elsewhere",
    "drill-20": "kills processes; a pod of the control plane has its engine elsewhere",
    "verify-21": "has the replayed APIs misbehave, which are there on local only",
}


class TestKubernetes(TargetContract):
    @pytest.fixture
    def place(self, plane: Plane, first_run: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Place:
        for name in ("PATH", "KUBECONFIG", "CARBON_OVERLAY", "CARBON_STATE"):
            monkeypatch.setenv(name, plane.carbon.environment[name])
        platform = carbonlib.connect("kubernetes")
        return Place(platform, plane.carbon, TARGET, "kafka-connect-0", NO_ADDRESS, NOT_HERE)
