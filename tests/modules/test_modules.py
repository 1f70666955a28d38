"""The project's own Java modules pass their own tests."""

from __future__ import annotations

import re
import subprocess

import pytest

from carbonlib.local.engines import MODULES


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", sorted(MODULES))
def test_module(name: str) -> None:
    done = subprocess.run(["mvn", "-B", "-ntp", "test"], cwd=MODULES[name], text=True, capture_output=True)
    assert done.returncode == 0, "\n".join(done.stdout.splitlines()[-60:])
    ran = [int(n) for n in re.findall(r"Tests run: (\d+), Failures: 0, Errors: 0", done.stdout)]
    assert ran and max(ran) > 10, "the module has next to no tests"
