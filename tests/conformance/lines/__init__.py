"""The tests, by what they are about; `test_<client>.py` runs them all with one client.

What the others show as well, and what takes long, is left to `make conformance` (marked `long`).
"""
