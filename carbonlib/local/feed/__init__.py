"""A WebSocket price feed that replays real prices as ticks, for the source connector to be proven on.

**Prices.** Nothing is invented: a tick carries the price of a real trading day, as EIA published it, and says which
day in `as_of`. CL, BZ and NG take turns. The day changes every 120 ticks, which at the default two ticks a second is
once a minute: between changes a price stands still, so alerts stay as rare as in the true history.
After the last day of the data the replay begins again with the first.

**Numbers.** Ticks are numbered without gaps, and a number means the same tick for ever: its price, its `event_id` and
its `event_time`, the moment it was due, follow from the number and from when the feed ran. So a client that was away
asks `{"subscribe": "prices", "after": SEQ}` and gets everything since, also from a feed that was killed in between.
While the feed is down nothing is quoted and no number is used up. Only so many ticks are kept; a client that asks for
older ones is told which it does not get: `{"type": "gap", "gap": {"from": 1, "to": 99}}`.
"""
