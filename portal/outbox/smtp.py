"""SMTP with a limit to how long one message takes, however slowly the server answers."""

import contextlib
import os
import smtplib
import socket
import threading

from django.core.mail.backends import smtp

# EMAIL_TIMEOUT bounds the connection and each answer. After the text an answer may take longer,
# as servers look for spam first; who gives up too early sends the message twice.
TEXT_SECONDS = 60
MESSAGE_SECONDS = 120  # for all of a message, in case the server answers a byte at a time
QUIT_SECONDS = 5


class EmailBackend(smtp.EmailBackend):
    """Django's SMTP backend, bounded by deadline() and with a call before each text."""

    on_text = staticmethod(lambda: None)
    line = None  # the connection's socket once more, to end it from another thread

    def connection_class(self, *args, **options):
        return (SMTP_SSL if self.use_ssl else SMTP)(*args, backend=self, **options)

    def watch(self, sock: socket.socket) -> None:
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
        """End the connection without a word."""
        with contextlib.suppress(OSError, AttributeError):
            self.line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        try:
            with contextlib.suppress(OSError), self.deadline(QUIT_SECONDS):
                super().close()
        finally:
            if self.line:
                self.line.close()
                self.line = None


class Watched:
    """What smtplib's two classes lack."""

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
    pass


class SMTP_SSL(Watched, smtplib.SMTP_SSL):
    pass
