"""The tests, by what they are about; `test_<client>.py` runs them all with one client."""
