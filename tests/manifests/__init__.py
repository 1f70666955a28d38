"""All of manifests/kubernetes, checked without a cluster: rendered, validated, held against what it names."""
