"""make s3: what it prints makes a site that may write to its own bucket and read the live one."""

import pytest
from botocore.exceptions import ClientError

from tests.conftest import s3_client, settings_for
from tests.support.serve_s3 import exports, serving


def test_what_it_prints_makes_a_site_that_reads_live():
    with serving(port=0) as server:
        lines = exports(server.endpoint_url)
        assert all(line.startswith("export ") for line in lines)
        variables = dict(line.removeprefix("export ").split("=") for line in lines)
        values = settings_for(variables)
        own = values["STORAGES"]["protected"]["OPTIONS"]
        twin = values["LIVE_STORAGES"]["protected"]["OPTIONS"]
        writer = s3_client(server, own["access_key"])
        reader = s3_client(server, twin["access_key"])

        assert own["endpoint_url"] == twin["endpoint_url"] == server.endpoint_url
        for options in (own, twin):
            writer.put_object(Bucket=options["bucket_name"], Key="a", Body=b"x")
        assert reader.get_object(Bucket=twin["bucket_name"], Key="a")["Body"].read() == b"x"
        assert reader.list_objects_v2(Bucket=twin["bucket_name"])["KeyCount"] == 1
        for attempt in (reader.put_object, reader.delete_object):
            with pytest.raises(ClientError, match="AccessDenied"):
                attempt(Bucket=twin["bucket_name"], Key="a")
