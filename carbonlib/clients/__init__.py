"""One client for each engine, in plain words: what is there, what would change, change it, wait until it works."""
