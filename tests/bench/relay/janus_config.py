"""Janus as it is best on this task: two event loops, VideoRoom alone, HTTP alone, no logging of packets."""

from pathlib import Path
from typing import Final

PORT: Final = 8088
_LIBRARY: Final = Path("/usr/lib")
_EVENT_LOOPS: Final = 2


def write(folder: Path, address: str) -> Path:
    """A folder for `janus -F`."""
    made = folder / "janus"
    made.mkdir(exist_ok=True)
    (made / "janus.jcfg").write_text(f"""
general: {{
    debug_level = 2
    event_loops = {_EVENT_LOOPS}
    session_timeout = 0
    reclaim_session_timeout = 0
}}
nat: {{ ice_lite = true }}
media: {{ ipv6 = false }}
plugins: {{ disable = "{_others("plugins", "libjanus_videoroom.so")}" }}
transports: {{ disable = "{_others("transports", "libjanus_http.so")}" }}
events: {{ broadcast = false }}
""")
    (made / "janus.transport.http.jcfg").write_text(f"""
general: {{ base_path = "/janus", http = true, port = {PORT}, https = false, ip = "{address}" }}
admin: {{ admin_http = false, admin_https = false }}
""")
    (made / "janus.plugin.videoroom.jcfg").write_text("general: {}\n")
    return made


def _others(kind: str, wanted: str) -> str:
    found = {path.name for path in _LIBRARY.glob(f"*/janus/{kind}/libjanus_*.so")}
    return ",".join(sorted(found - {wanted}))
