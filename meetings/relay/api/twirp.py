"""Twirp's errors, and messages in its two encodings (twitchtv.github.io/twirp/docs)."""

import json
from typing import Final

from google.protobuf.json_format import MessageToJson, Parse, ParseError
from google.protobuf.message import DecodeError, Message
from google.protobuf.struct_pb2 import Struct

JSON: Final = "application/json"
PROTOBUF: Final = "application/protobuf"
# Twirp's error codes and their HTTP status (twitchtv.github.io/twirp/docs/errors.html).
_STATUS: Final = {
    "invalid_argument": 400,
    "malformed": 400,
    "unauthenticated": 401,
    "permission_denied": 403,
    "not_found": 404,
    "bad_route": 404,
    "already_exists": 409,
    "failed_precondition": 412,
    "resource_exhausted": 429,
    "internal": 500,
    "unimplemented": 501,
}

Answer = tuple[int, str, bytes]


class TwirpError(Exception):
    """Answered as JSON; `code` is one of Twirp's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message

    def answer(self) -> Answer:
        body = json.dumps({"code": self.code, "msg": self.message}).encode()
        return _STATUS[self.code], JSON, body


def parse(kind: type[Message], body: bytes, content_type: str) -> Message:
    """A request's body; raises TwirpError."""
    try:
        if content_type == JSON:
            return Parse(body or b"{}", kind(), ignore_unknown_fields=True)
        return kind.FromString(body)
    except (ParseError, DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise TwirpError("malformed", "the request cannot be read") from error


def _json(message: Message) -> str:
    if not isinstance(message, Struct):
        return MessageToJson(message)
    # A Struct knows floating-point numbers only; what was a count is one again.
    told = json.loads(MessageToJson(message), parse_float=_number)
    return json.dumps(told, ensure_ascii=False)


def _number(text: str) -> int | float:
    value = float(text)
    return int(value) if value.is_integer() else value


def answer(message: Message, content_type: str) -> Answer:
    """A successful answer in the encoding of its request."""
    if content_type == JSON:
        return 200, JSON, _json(message).encode()
    return 200, PROTOBUF, message.SerializeToString()
