"""A CDN in front of a bucket, with the usual mistakes in its configuration."""

import threading

from botocore.exceptions import ClientError
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from tests.conftest import BUCKET, s3_client


class Cdn:
    """Serves a bucket from its root, as CDNs do that hold a key for it; on a port of its own."""

    def __init__(self, server):
        self.opens = ("media/", "assets/")
        self.lists, self.writes, self.drops, self.swaps = False, False, (), {}
        self.redirects: tuple[str, ...] = ()
        self._client = s3_client(server)
        self._http = make_server("127.0.0.1", 0, Request.application(self.answer), threaded=True)
        self.domain = f"127.0.0.1:{self._http.port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exc_info):
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def answer(self, request):
        key = request.path[1:]
        if self.lists and not key and "prefix" not in request.args:
            return Response("<ListBucketResult><Contents/></ListBucketResult>")
        if request.path == "/":
            return Response("Welcome.")
        if self.redirects and key.startswith(self.redirects):
            return Response(status=302, headers={"Location": "/"})
        if not key.startswith(self.opens):
            return Response("Forbidden", 403)
        if request.method == "PUT" and self.writes:
            self._client.put_object(Bucket=BUCKET, Key=key, Body=request.data)
            return Response()
        if request.method != "GET":
            return Response("Not allowed", 405)
        try:
            found = self._client.get_object(Bucket=BUCKET, Key=key)
        except ClientError:
            return Response("Not found", 404)
        headers = {"Content-Type": found["ContentType"], "Cache-Control": found["CacheControl"]}
        kept = {name: value for name, value in headers.items() if name not in self.drops}
        with found["Body"] as body:
            content = body.read()
        return Response(self.swaps.get(key.partition("/")[0], content), headers=kept)
