"""A mail server on this machine, which misbehaves as mail servers do."""

import contextlib
import email
import re
import socket
import socketserver
import struct
import threading
import time
from email.message import Message
from typing import NamedTuple

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close() sends RST
POLL_SECONDS = 0.02
DRIBBLE_BYTES = 250


class Accepted(NamedTuple):
    """A message that the server has answered with 250."""

    to: str
    text: bytes

    @property
    def message(self) -> Message:
        return email.message_from_bytes(self.text)

    @property
    def message_id(self) -> str:
        return self.message["Message-ID"]


class MailServer:
    """Listens for as long as the `with` block lasts, and behaves as `mode` says meanwhile:

    accept; refuse (550 to every recipient); busy (421 as its greeting); log-in refused is `auth`;
    reset (on connecting); hang (no greeting); hang at text (no answer to it); dribble (a greeting
    of DRIBBLE_BYTES, a byte now and then). `refused` are addresses that get 550 in any case,
    `pause` are the seconds before a text is accepted, and `on_event` is called with each step of a
    conversation: connect, mail, rcpt, text, accepted.
    """

    def __init__(self):
        self.mode = "accept"
        self.refused: set[str] = set()
        self.pause = 0.0
        self.connections = 0
        self.accepted: list[Accepted] = []
        self.on_event = lambda event: None
        self.over = threading.Event()
        self.lock = threading.Lock()

    def __enter__(self):
        self.listener = Listener(("127.0.0.1", 0), Conversation)
        self.listener.mail_server = self
        self.port = self.listener.server_address[1]
        self.thread = threading.Thread(target=self.listener.serve_forever, args=(POLL_SECONDS,))
        self.thread.start()
        return self

    def __exit__(self, *exc_info):
        self.over.set()
        self.listener.shutdown()
        self.listener.server_close()
        self.thread.join()

    @property
    def recipients(self) -> list[str]:
        return [accepted.to for accepted in self.accepted]

    def hang(self, sock: socket.socket) -> None:
        """Send nothing until the client closes the connection."""
        sock.settimeout(POLL_SECONDS)
        while not self.over.is_set():
            try:
                if not sock.recv(1000):
                    return
            except TimeoutError:
                continue


class Listener(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    request_queue_size = 100

    def handle_error(self, request, client_address):
        pass  # clients are killed; what that does is seen on their side


class Conversation(socketserver.StreamRequestHandler):
    """One connection, in as much SMTP as smtplib asks for."""

    def handle(self):
        server = self.server.mail_server
        with server.lock:
            server.connections += 1
        server.on_event("connect")
        if server.mode == "reset":
            self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            self.request.close()
        elif server.mode == "hang":
            server.hang(self.request)
        elif server.mode == "dribble":
            with contextlib.suppress(OSError):
                for _ in range(DRIBBLE_BYTES):
                    if not server.over.wait(POLL_SECONDS):
                        self.request.sendall(b"2")
        elif server.mode == "busy":
            self.say("421 too busy")
        else:
            self.say("220 mail.example.org")
            self.converse(server)

    def converse(self, server: MailServer) -> None:
        recipient = ""
        while line := self.rfile.readline().decode():
            command = line.split(" ")[0].strip().lower()
            if command in {"ehlo", "helo"}:
                self.say("250-mail.example.org\r\n250 AUTH PLAIN")
            elif command == "auth":
                self.say("535 wrong password" if server.mode == "auth" else "235 welcome")
            elif command == "mail":
                server.on_event("mail")
                self.say("250 ok")
            elif command == "rcpt":
                recipient = re.search(r"<(.*?)>", line)[1]
                server.on_event("rcpt")
                is_refused = server.mode == "refuse" or recipient in server.refused
                self.say("550 5.1.1 no such user" if is_refused else "250 ok")
            elif command == "data":
                self.say("354 go on")
                if not self.take(server, recipient):
                    return
            elif command == "quit":
                self.say("221 bye")
                return
            else:
                self.say("250 ok")

    def take(self, server: MailServer, recipient: str) -> bool:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                return False
            lines.append(line[1:] if line.startswith(b"..") else line)
        server.on_event("text")
        if server.mode == "hang at text":
            server.hang(self.request)
            return False
        time.sleep(server.pause)
        with server.lock:
            server.accepted.append(Accepted(recipient, b"".join(lines)))
        self.say("250 taken")
        server.on_event("accepted")
        return True

    def say(self, answer: str) -> None:
        self.wfile.write(f"{answer}\r\n".encode())
