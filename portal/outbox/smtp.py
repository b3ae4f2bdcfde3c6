"""SMTP with a time limit for each message, however slowly the server answers."""

import contextlib
import os
import smtplib
import socket
import threading

from django.core.mail.backends import smtp

# The option timeout limits the connection and each answer. The answer to the text may take longer,
# because servers look for spam first; a client that gives up too early sends the message twice.
TEXT_SECONDS = 60
MESSAGE_SECONDS = 120  # for all of a message, in case the server answers a byte at a time
QUIT_SECONDS = 5


class EmailBackend(smtp.EmailBackend):
    """Django's SMTP backend with a time limit, deadline(), and a callback before each text."""

    on_text = staticmethod(lambda: None)
    line = None  # a duplicate of the connection's socket, to end it from another thread

    def connection_class(self, *args, **options):
        return (SMTP_SSL if self.use_ssl else SMTP)(*args, backend=self, **options)

    def watch(self, sock: socket.socket) -> None:
        """Duplicate the socket of a new connection, for cut()."""
        self.line = socket.socket(fileno=os.dup(sock.fileno()))

    @contextlib.contextmanager
    def deadline(self, seconds: float | None = None):
        """End the connection after `seconds` (default: MESSAGE_SECONDS) within the block."""
        timer = threading.Timer(seconds or MESSAGE_SECONDS, self.cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def cut(self) -> None:
        """End the connection at once, without a QUIT."""
        if line := self.line:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        try:
            with contextlib.suppress(OSError), self.deadline(QUIT_SECONDS):
                super().close()
        finally:
            if self.line:
                self.line.close()
                self.line = None


class Watched:
    """Mixin for smtplib's two classes: reports the socket and each text to the backend."""

    def __init__(self, *args, backend: EmailBackend, **options):
        self.backend = backend
        super().__init__(*args, **options)  # connects

    def _get_socket(self, *args):
        sock = super()._get_socket(*args)
        self.backend.watch(sock)
        return sock

    def data(self, msg):
        self.backend.on_text()
        self.sock.settimeout(TEXT_SECONDS)
        answer = super().data(msg)
        self.sock.settimeout(self.timeout)
        return answer


class SMTP(Watched, smtplib.SMTP):
    """A connection in plain text, or with STARTTLS."""


class SMTP_SSL(Watched, smtplib.SMTP_SSL):
    """A connection with TLS from the start."""
