"""What the `local` target runs beside the real engines: the Doris-compatible endpoint and the replayed APIs."""
