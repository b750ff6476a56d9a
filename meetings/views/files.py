"""A recording's files, served with HTTP Range so that a player can jump (RFC 9110, section 14)."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.text import slugify
from django.views.decorators.http import require_safe

from accounts import tenancy
from meetings import selectors
from meetings.errors import NotVisible
from meetings.models import MediaFile
from meetings.views.viewer import viewer_of

_RANGE = re.compile(r"bytes=(\d*)-(\d*)$")
_BLOCK = 256 * 1024


@login_required
@require_safe
def recording_media(request: HttpRequest, recording_id: UUID, file_id: UUID) -> HttpResponseBase:
    """One WebM of a recording, to whoever may see the meeting's content."""
    try:
        recording = selectors.recording_for(viewer_of(request), recording_id)
        with tenancy.scope(recording.ministry_id):
            file = selectors.media_file(recording, file_id)
    except NotVisible:
        raise Http404 from None
    path = Path(settings.RECORDINGS_DIR) / file.path
    if not path.is_file():
        raise Http404
    response = ranged(path, request.headers.get("Range", ""))
    if "download" in request.GET:
        response["Content-Disposition"] = (
            f'attachment; filename="{_file_name(recording.meeting.title, file)}"'
        )
    return response


def _file_name(title: str, file: MediaFile) -> str:
    return f"{slugify(title) or 'visio'}-{slugify(file.name) or 'mix'}.webm"


def parse_range(header: str, size: int) -> tuple[int, int] | None:
    """First and last byte asked for, clipped to the file; None where the whole file is to be sent.

    Raises ValueError for a range that lies outside. Only a single range is understood, which RFC 9110 allows.
    """
    match = _RANGE.match(header.strip())
    if not match or match.group(1) == match.group(2) == "":
        return None
    if match.group(1) == "":
        first, last = max(0, size - int(match.group(2))), size - 1
    else:
        first, last = int(match.group(1)), min(int(match.group(2) or size - 1), size - 1)
    if first > last:
        raise ValueError("the range lies outside the file")
    return first, last


def ranged(path: Path, header: str) -> HttpResponseBase:
    """The file, or the part of it that was asked for: 200, 206 or 416."""
    size = path.stat().st_size
    try:
        wanted = parse_range(header, size)
    except ValueError:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    first, last = wanted or (0, size - 1)
    response = StreamingHttpResponse(
        _blocks(path, first, last), status=206 if wanted else 200, content_type="video/webm"
    )
    response["Accept-Ranges"] = "bytes"
    response["Content-Length"] = str(last - first + 1)
    response["Cache-Control"] = "private, no-store"
    if wanted:
        response["Content-Range"] = f"bytes {first}-{last}/{size}"
    return response


def _opened(path: Path) -> BinaryIO:
    return path.open("rb")


async def _blocks(path: Path, first: int, last: int) -> AsyncIterator[bytes]:
    """Reads off the event loop, block by block, so that a slow reader holds no memory."""
    file = await sync_to_async(_opened, thread_sensitive=False)(path)
    try:
        file.seek(first)
        left = last - first + 1
        while left > 0:
            block = await sync_to_async(file.read, thread_sensitive=False)(min(_BLOCK, left))
            if not block:
                return
            left -= len(block)
            yield block
    finally:
        file.close()
