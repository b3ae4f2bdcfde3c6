"""A line to a server, which fails as networks and hosts do."""

import contextlib
import select
import socket
import socketserver
import struct
import threading

from tests.support.dyno import free_port

CHUNK_BYTES = 64 * 1024
POLL_SECONDS = 0.02
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close() sends RST instead of FIN


class Line:
    """A port of this machine that leads to a server, for as long as the `with` block lasts.

    `server` is a host and a port, or the path of a Unix socket. A line begins down: its port
    refuses connections. Frozen, it accepts connections and their data, and passes nothing on.
    """

    def __init__(self, server: tuple[str, int] | str):
        self.server, self.port = server, free_port()
        self.calls = 0  # connections that were ever made
        self.moves = threading.Event()
        self.moves.set()
        self._to_cut: list[int] = []
        self._listener = None

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.down()

    def up(self):
        self._listener = Listener(("127.0.0.1", self.port), Call)
        self._listener.line = self
        self._thread = threading.Thread(target=self._listener.serve_forever, args=(POLL_SECONDS,))
        self._thread.start()

    def down(self):
        """Refuse connections, and reset those that there are."""
        if self._listener:
            listener, self._listener = self._listener, None
            listener.shutdown()
            listener.server_close()  # waits for its calls, which see that the line is down
            self._thread.join()

    @property
    def is_up(self) -> bool:
        return self._listener is not None

    @contextlib.contextmanager
    def frozen(self):
        self.moves.clear()
        try:
            yield
        finally:
            self.moves.set()

    def cut(self, *, after: int, times: int = 1):
        """Reset the next connections on which a client sends more than a number of bytes."""
        self._to_cut += [after] * times

    def mended(self):
        """Cut no further connection."""
        self._to_cut.clear()

    def is_cut(self, carried: int) -> bool:
        if self._to_cut and carried > self._to_cut[0]:
            self._to_cut.pop(0)
            return True
        return False


class Listener(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    request_queue_size = 100

    def handle_error(self, request, client_address):
        pass  # either side may break off; what that does to the site is seen on the site's side


class Call(socketserver.BaseRequestHandler):
    """One connection."""

    def handle(self):
        line = self.server.line
        line.calls += 1
        family = socket.AF_UNIX if isinstance(line.server, str) else socket.AF_INET
        with socket.socket(family) as server:
            server.connect(line.server)
            if not self.relay(line, server):
                self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                self.request.close()

    def relay(self, line: Line, server: socket.socket) -> bool:
        """Pass data on in both directions; return False if the line is cut before either closes."""
        carried = 0
        while line.is_up:
            if not line.moves.wait(POLL_SECONDS):
                continue
            for speaker in select.select([self.request, server], [], [], POLL_SECONDS)[0]:
                said = speaker.recv(CHUNK_BYTES)
                if not said:
                    return True
                carried += len(said) if speaker is self.request else 0
                if line.is_cut(carried):
                    return False
                (server if speaker is self.request else self.request).sendall(said)
        return False
