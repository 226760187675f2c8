"""ClickHouse's HTTP interface in front of chDB, the engine in a Python process: what clients of tables need of it.

Invariant: an INSERT reaches the engine whole or not at all; every request has settings of its own.

    clickhouse_front.py PORT FOLDER [SETTING=VALUE ...]
    curl 'http://127.0.0.1:PORT/?query=SELECT+1'

Of the real server's interface: queries in the address, the body or a form; INSERT with its rows in the body, in any
format, also in ClickHouse's LZ4 blocks; parameters, settings, database; /ping. Left out: users, sessions, and
compressed answers, which a client must not count on. Every error is status 500. The settings of the command line are
what a user's profile is on a server: they hold where a request says nothing else.
"""

import fcntl
import re
import signal
import struct
import sys
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import lz4.block
from chdb.session import Session
from clickhouse_cityhash.cityhash import CityHash128

# More than any test sends; a wrong length must not fill the machine's memory.
BODY_BYTES_MAX = 1 << 30
# Of a client that stopped in the middle of a request.
SILENCE_SECONDS_MAX = 600

INSERT_WITH_FORMAT = re.compile(r"(\s*INSERT\s.*)\sFORMAT\s+(\w+)\s*", re.IGNORECASE | re.DOTALL)
# Parameters of the address that are not settings; the last row is about users and sessions.
NOT_SETTINGS = {
    "query", "database", "default_format", "compress", "decompress", "wait_end_of_query", "buffer_size",
    "query_id", "stacktrace", "client_protocol_version", "enable_http_compression", "http_zlib_compression_level",
    "user", "password", "role", "quota_key", "session_id", "session_timeout", "session_check", "close_session",
}

# A block: checksum of all that follows, method, size with this header, size unpacked.
CHECKSUM = struct.Struct("<QQ")
BLOCK_HEADER = struct.Struct("<BII")
METHOD_NONE, METHOD_LZ4 = 0x02, 0x82

# ClickHouse's numbers of errors that arise here.
CANNOT_READ_ALL_DATA, CHECKSUM_DOESNT_MATCH, UNKNOWN_COMPRESSION_METHOD = 33, 40, 89
NOT_IMPLEMENTED, UNKNOWN_EXCEPTION, TOO_LARGE_SIZE = 48, 1002, 131


class Refused(Exception):
    """What this front cannot take, in ClickHouse's words."""

    def __init__(self, code, reason):
        super().__init__(f"Code: {code}. DB::Exception: {reason}")


def unpacked(body):
    """The bytes in a run of ClickHouse's compressed blocks."""
    parts, view = [], memoryview(body)
    while view:
        part, view = unpacked_block(view)
        parts.append(part)
    return b"".join(parts)


def unpacked_block(view):
    """The bytes of the first block, and what follows it."""
    start = CHECKSUM.size + BLOCK_HEADER.size
    if len(view) < start:
        raise Refused(CANNOT_READ_ALL_DATA, f"a compressed block has {len(view)} bytes, its header alone {start}")
    low, high = CHECKSUM.unpack_from(view)
    method, packed, plain = BLOCK_HEADER.unpack_from(view, CHECKSUM.size)
    end = CHECKSUM.size + packed
    if not start <= end <= len(view) or plain > BODY_BYTES_MAX:
        raise Refused(CANNOT_READ_ALL_DATA, f"a compressed block of {packed} bytes, {len(view)} are left")
    if CityHash128(bytes(view[CHECKSUM.size:end])) != low << 64 | high:
        raise Refused(CHECKSUM_DOESNT_MATCH, "Checksum doesn't match: corrupted data in a compressed block")
    return unpacked_data(method, bytes(view[start:end]), plain), view[end:]


def unpacked_data(method, data, plain):
    if method == METHOD_NONE:
        return data
    if method != METHOD_LZ4:
        raise Refused(UNKNOWN_COMPRESSION_METHOD, f"compression method {method:#x}, only LZ4 and none are known")
    return lz4.block.decompress(data, uncompressed_size=plain)


def form_fields(content_type, body):
    """The fields of a multipart form."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    fields = {}
    for part in BytesParser().parsebytes(head + body).get_payload():
        name = part.get_param("name", header="Content-Disposition")
        fields[name] = part.get_payload(decode=True).decode()
    return fields


def quoted(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def answer(folder, profile, fields, body):
    """What the engine says to one request."""
    fields = profile | fields
    if fields.get("compress", "0") != "0":
        raise Refused(NOT_IMPLEMENTED, "compress=1: answers are not compressed here")
    if fields.get("decompress", "0") != "0":
        body = unpacked(body)
    with Session(folder) as session:
        configure(session, fields)
        insert = INSERT_WITH_FORMAT.fullmatch(fields.get("query", ""))
        if insert:
            return insert_rows(session, insert[1], insert[2], body)
        return run(session, fields, fields.get("query", "") + "\n" + body.decode())


def configure(session, fields):
    if fields.get("database"):
        session.query("USE `" + fields["database"].replace("`", "``") + "`")
    for name, value in fields.items():
        if name not in NOT_SETTINGS and not name.startswith("param_"):
            session.query(f"SET {name} = {quoted(value)}")


def insert_rows(session, statement, form, body):
    # All bytes in one piece: where the client cut them must not show in the blocks, which deduplication counts.
    with session.send_insert(statement, form) as rows:
        rows.append(body)
        rows.finish()
    return b""


def run(session, fields, query):
    params = {name.removeprefix("param_"): value for name, value in fields.items() if name.startswith("param_")}
    return session.query(query, fields.get("default_format", "TabSeparated"), params=params).bytes() or b""


class Server(ThreadingHTTPServer):
    # Clients that come all at once, as after a restart.
    request_queue_size = 128


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = SILENCE_SECONDS_MAX

    def do_GET(self):
        if urlsplit(self.path).path == "/ping":
            return self.send(200, b"Ok.\n")
        self.do_POST()

    def do_POST(self):
        try:
            fields, body = self.request_parts()
            self.send(200, answer(self.server.folder, self.server.profile, fields, body))
        except (ConnectionError, TimeoutError):
            self.close_connection = True
        except Exception as error:
            self.send_error_of_engine(str(error))

    def request_parts(self):
        fields, body = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True)), self.body()
        content_type = self.headers.get("Content-Type", "")
        if content_type.startswith("multipart/form-data"):
            return fields | form_fields(content_type, body), b""
        return fields, body

    def body(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return self.chunked_body()
        return self.exactly(int(self.headers.get("Content-Length", 0)))

    def chunked_body(self):
        body = bytearray()
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.exactly(size, already=len(body))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return bytes(body)

    def exactly(self, size, already=0):
        if already + size > BODY_BYTES_MAX:
            self.close_connection = True
            raise Refused(TOO_LARGE_SIZE, f"a body of {already + size} bytes, at most {BODY_BYTES_MAX} are read")
        data = self.rfile.read(size)
        if len(data) < size:
            raise ConnectionError("the client ended in the middle of a request")
        return data

    def send_error_of_engine(self, message):
        # chDB puts words of its own before the engine's.
        found = re.search(r"Code: (\d+)\. ", message)
        code, text = (found[1], message[found.start():]) if found else (UNKNOWN_EXCEPTION, message)
        self.send(500, text.encode() + b"\n", ("X-ClickHouse-Exception-Code", str(code)))

    def send(self, status, body, *headers):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Not a line for each request."""


def stop(*_):
    raise SystemExit(0)


def main(port, folder, profile):
    Path(folder).mkdir(parents=True, exist_ok=True)
    lock = open(Path(folder) / "front.lock", "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(f"{folder} is in use by another process: chDB allows one for each folder")
    signal.signal(signal.SIGTERM, stop)
    # The engine lives as long as one session is open.
    with Session(folder), Server(("127.0.0.1", port), Handler) as server:
        server.folder, server.profile = folder, profile
        server.serve_forever()


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(int(sys.argv[1]), sys.argv[2], dict(setting.split("=", 1) for setting in sys.argv[3:]))
