"""How large the platform must be: bytes measured on a running one, a claim, and what one of each part can take."""

from __future__ import annotations

from kubernetes.utils.quantity import parse_quantity as quantity

from .figure import storage_over_days
from .measure import Measurement, measure
from .model import Claim, Figures, Need, Sizing, reckon
from .table import Table, load_table

__all__ = [
    "Claim",
    "Figures",
    "Measurement",
    "Need",
    "Sizing",
    "Table",
    "load_table",
    "measure",
    "quantity",
    "reckon",
    "storage_over_days",
]
