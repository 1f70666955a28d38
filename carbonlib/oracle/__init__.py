"""The oracle: what the platform must have made of its input, computed a second time and in another way.

Plain Python over whole topics, from the meaning of the messages alone. It shares no code, no library of
formulas and no query with the Flink jobs, so a mistake would have to be made twice to go unseen.
"""

from __future__ import annotations

from .alerts import expected_alerts, uncertain_alerts
from .bars import expected_bars
from .compare import Comparison, compare
from .enriched import expected_enriched
from .prices import Parsed, parse_raw

__all__ = [
    "Comparison", "Parsed", "compare", "expected_alerts", "expected_bars", "expected_enriched", "parse_raw",
    "uncertain_alerts",
]  # fmt: skip
