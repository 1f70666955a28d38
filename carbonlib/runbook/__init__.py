"""Runbooks as programs: find them, give them parameters, run them, and report what really happened.

`catalogue` reads the notebooks, `parameters` types what the caller gave, `runner` executes them through papermill,
`ledger` keeps the record, `redaction` removes secrets, `report` writes the pages.
"""
