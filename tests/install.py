"""Installs what the tests need from Debian, where that is allowed; otherwise names what is missing."""

from visio_portal import debian, throwaway

PROGRAMS = {
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

if __name__ == "__main__":
    debian.ensure(PROGRAMS, "The gate")
