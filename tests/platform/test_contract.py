"""The contract of a target, on `local`."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Carbon
from tests.contract.suite import Place, TargetContract

NOT_HERE = {
    "deploy-31": "Flink runs as processes of its own, and needs no operator",
    "deploy-80": "Flink's reporter listens on every address, so no metrics server asks it here",
    "drill-30": "there is no scheduler, quota or image to make these mistakes with",
    "operate-71": "listeners on loopback have no certificate",
    "respond-20": "manifests are not applied here, so there are no revisions of them",
    "verify-40": "there are no manifests to be shown",
}


class TestLocal(TargetContract):
    @pytest.fixture
    def place(self, platform: Any, carbon: Carbon) -> Place:
        return Place(platform, carbon, (), "connect-1", {}, NOT_HERE)
