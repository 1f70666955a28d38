"""Replayed APIs: one HTTP server that answers as EIA v2, FRED and NOAA's access service do, from real data of the past.

Days are published one after another at a pace, so that polling sees news arrive. Prices and weather keep their true
dates.
"""
