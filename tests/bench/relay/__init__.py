"""The relay beside Janus, on one load generator: `make bench-relay`. How to read it: docs/benchmarks.md."""
