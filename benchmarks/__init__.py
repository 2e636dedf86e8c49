"""What `make bench` runs. Results and how to read them: benchmarks/README.md."""
