"""Installs what the tests need from Debian, where that is allowed; otherwise names what is missing."""

import sys

from meetings.relay.dataplane.native import build
from visio_portal import debian, throwaway

PROGRAMS = {
    "cargo": "cargo",
    "chromium": "chromium",
    "firefox-esr": "firefox-esr",
    "flite": "flite",
    "ffmpeg": "ffmpeg",
    "ip": "iproute2",
    "turnserver": "coturn",
    "certutil": "libnss3-tools",
    "unshare": "util-linux",
    "msgfmt": "gettext",
    **throwaway.PROGRAMS,
}

# What make targets beyond the gate need besides: installed when they are asked for.
_BESIDE_JANUS = {"janus": "janus", "ethtool": "ethtool", "nsenter": "util-linux", "taskset": "util-linux"}
FURTHER = {
    "bench-relay": _BESIDE_JANUS,
    "bench-relay-scale": _BESIDE_JANUS,
    "bench-impairment": {"janus": "janus"},
}

if __name__ == "__main__":
    debian.ensure(PROGRAMS, "The gate")
    try:
        build.build()  # both planes are tested
    except build.CannotBuild as reason:
        sys.exit(f"The gate needs the native data plane: {reason}.")
    for target in sys.argv[1:]:
        debian.ensure(FURTHER.get(target, {}), f"make {target}")
