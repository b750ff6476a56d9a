"""What happens on a full disk, on a real one: a tmpfs of a few megabytes that is Visio's data folder.

``unshare --mount python -m tests.faults.full_disk FOLDER`` mounts it at FOLDER, plays everything through once
and prints what came of it as JSON; ``test_full_disk.py`` judges that.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import django

from tests.e2e.portal import environment, free_port

SIZE, SMALL = "48m", "8k"


def main(folder: Path) -> dict[str, Any]:
    data, small = folder / "data", folder / "small"
    for path, size in ((data, SIZE), (small, SMALL)):
        path.mkdir()
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", str(path)], check=True
        )
    port = free_port()
    os.environ.update(environment(data, port))
    os.environ["DJANGO_SETTINGS_MODULE"] = "visio_portal.settings"
    from tests.faults.server import Server

    server = Server(data, port)
    server.start()
    try:
        django.setup()  # once the server has made its keys
        from tests.faults import disk_scenes as scenes

        return {
            **scenes.call_on_full_disk(server, folder),
            **scenes.work_on_full_disk(server),
            **scenes.pages_on_full_disk(server),
            **scenes.files_on_full_disk(small),
        }
    finally:
        server.kill()


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
