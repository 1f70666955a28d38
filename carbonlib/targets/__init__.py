"""Where the platform runs: each target brings its layers up, says where they are, and takes them down."""
