"""Coverage-guided fuzzing of everything that reads a stranger's bytes (``make fuzz``), and its corpus.

One file per target: ``run(data)`` must come back whatever the bytes are, and raises where a promise is
broken; ``seeds()`` are what honest peers send.
"""
