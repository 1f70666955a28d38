"""Build what renders and inspects manifests ahead of its use: for an image, in which there is no Go.

CARBON_CACHE=/opt/cache python -m carbonlib.targets.kubernetes.lint
"""

from __future__ import annotations

from . import PROGRAMS, build
from .schemas import schemas

if __name__ == "__main__":
    for name in PROGRAMS:
        print(build(name))
    print(schemas())
