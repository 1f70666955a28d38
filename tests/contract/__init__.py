"""What every target can do, shown on each of them by the same tests of `suite.py`."""
