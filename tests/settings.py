"""Visio's own settings, on a scratch data folder of this test process."""

import atexit
import os
import shutil
import tempfile

_scratch = tempfile.mkdtemp(prefix="visio-tests-")
atexit.register(shutil.rmtree, _scratch, ignore_errors=True)
os.environ["VISIO_DATA"] = _scratch

from visio_portal.settings import *  # noqa: E402, F403  (the folder must be named first)

# Signing in costs half a second with the real hasher; the tests sign in a hundred times.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
