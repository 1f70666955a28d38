from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import numpy as np
import pandas as pd

from carbonlib.bench.figures import bars, over_time, percentile_curves
from carbonlib.bench.samples import Latencies
from carbonlib.oracle.alerts import ALERT_COLUMNS
from carbonlib.oracle.bars import BAR_COLUMNS

MANY = Latencies("leg", np.linspace(1, 100, 50_000), np.linspace(0, 20, 50_000))


def test_curves_are_drawn_on_the_axis_of_rare_events() -> None:
    figure = percentile_curves([MANY, MANY], limits_ms=[100])
    assert figure.layout.xaxis.type == "log"
    assert len(figure.data) == 2
    assert figure.data[0].x[-1] == 50_000


def test_a_long_run_is_thinned_for_the_report() -> None:
    assert len(over_time([MANY]).data[0].x) == 2000


def test_bars_show_their_commodity_and_its_alerts_only() -> None:
    noon = datetime(2020, 4, 20, 12)
    bar = [noon, noon, Decimal("18.27"), Decimal("18.27"), Decimal("-36.98"), Decimal("-36.98"), 2, Decimal(1), 2]
    table = pd.DataFrame([["CL", *bar], ["NG", *bar]], columns=BAR_COLUMNS, dtype=object)
    alert = ["CL", "DOWN", "CRITICAL", "e", "PRICE_CHANGE", Decimal("-36.98"), Decimal("18.27"), -302.4, noon]
    figure = bars(table, pd.DataFrame([alert], columns=ALERT_COLUMNS, dtype=object), "CL")
    candles, up, down = figure.data
    assert list(candles.low) == [-36.98]
    assert (len(up.x), list(down.y)) == (0, [-36.98])
