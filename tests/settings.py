"""Visio's own settings, on a scratch data folder of this test process and the ground that was asked for."""

import atexit
import os
import shutil
import tempfile

from tests import ground

_scratch = tempfile.mkdtemp(prefix="visio-tests-")
atexit.register(shutil.rmtree, _scratch, ignore_errors=True)
os.environ["VISIO_DATA"] = _scratch
ground.prepare()

from visio_portal.settings import *  # noqa: E402, F403  (the folder must be named first)

# Signing in costs half a second with the real hasher; the tests sign in a hundred times.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# Of a test's many threads each closes its own connection; the pool is on trial where whole processes run.
DATABASES["default"]["OPTIONS"].pop("pool", None)  # noqa: F405
