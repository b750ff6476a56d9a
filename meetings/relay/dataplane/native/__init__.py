"""The native data plane: a thread of its own receives, forwards and sends, without Python's lock."""
