"""The target `kubernetes`: a client that plans, applies, waits for and takes down what the manifests declare."""
