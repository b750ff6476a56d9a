"""The limit of open sockets, in a process of its own: it cannot be put back."""

import subprocess
import sys

import pytest

_TRY = """
import resource, sys
from meetings.management.open_files import allow_many_sockets
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]), int(sys.argv[2])))
told = allow_many_sockets()
assert told == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
print(told)
"""


@pytest.mark.parametrize(("soft", "hard", "expected"), [(256, 2048, 2048), (512, 512, 512)])
def test_it_is_raised_as_far_as_the_system_allows(soft: int, hard: int, expected: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _TRY, str(soft), str(hard)], capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == str(expected), done.stderr
