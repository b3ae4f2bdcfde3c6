"""Clients that speak to a port byte by byte, as no browser does."""

import contextlib
import http.client
import socket
import threading

WAIT_SECONDS = 20


def connect(port: int, receive_buffer: int = 0) -> socket.socket:
    """Connect, with a receive buffer of so many bytes if given: the least that one can take."""
    client = socket.socket()
    client.settimeout(WAIT_SECONDS)
    if receive_buffer:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    client.connect(("127.0.0.1", port))
    return client


def read_answer(client) -> tuple[int, dict, bytes]:
    """The status, headers and body of the next answer.

    Where several answers come on a connection, `client` is its file: a socket's is read ahead of.
    """
    file = client.makefile("rb") if isinstance(client, socket.socket) else client
    status = int(file.readline().split()[1])
    headers = http.client.parse_headers(file)
    return status, dict(headers), file.read(int(headers.get("Content-Length", 0)))


class SlowClients:
    """Many connections that each send a beginning, and then a byte each time that they are told."""

    def __init__(self, port: int, number: int, beginning: bytes):
        self.clients = [connect(port) for _ in range(number)]
        self.statuses: list[int] = []
        for client in self.clients:
            client.sendall(beginning)

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        for client in self.clients:
            client.close()

    def send_a_byte(self) -> None:
        for client in self.clients:
            with contextlib.suppress(OSError):
                client.send(b"a")

    def are_answered(self) -> bool:
        """Send a byte each; collect the statuses of those that have an answer."""
        self.send_a_byte()
        for client in list(self.clients):
            client.setblocking(False)
            try:
                begins = client.recv(12, socket.MSG_PEEK)
            except BlockingIOError:
                continue
            except OSError:
                begins = b""
            self.statuses.append(int(begins[9:12] or 0))
            self.clients.remove(client)
            client.close()
        return not self.clients


@contextlib.contextmanager
def repeated(step, every: float):
    """Take a step again and again in a thread while the block runs."""
    is_over = threading.Event()

    def repeat():
        while not is_over.wait(every):
            step()

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
