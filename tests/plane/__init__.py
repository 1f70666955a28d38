"""A real Kubernetes control plane on this machine, for tests and by hand: `python -m tests.plane up`."""
