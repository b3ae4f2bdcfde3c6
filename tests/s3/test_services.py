"""Y1: an S3 service has one name under all its addresses, so that a copy recognizes its target."""

import pytest

from portal.s3.addresses import service

REGION = "eu-west-1"
AWS = [
    None,
    "https://s3.amazonaws.com",
    "https://s3.eu-west-1.amazonaws.com/",
    "https://S3.EU-WEST-1.AMAZONAWS.COM:443",
    "https://s3-eu-west-1.amazonaws.com",
    "http://s3.us-east-1.amazonaws.com",
    "https://s3.dualstack.eu-west-1.amazonaws.com",
    "https://portal-files.s3.eu-west-1.amazonaws.com",
    "https://s3-accelerate.amazonaws.com",
]


@pytest.mark.parametrize("endpoint_url", AWS)
def test_all_names_of_aws_are_one_service(endpoint_url):
    """Y1."""
    assert service(endpoint_url, REGION) == "aws"
    assert service(endpoint_url, "us-east-1") == "aws"


@pytest.mark.parametrize(
    "names",
    [
        [
            "https://s3.example.org",
            "https://S3.example.org.",
            "https://s3.example.org:443/",
        ],
        [
            "http://localhost:9000",
            "http://127.0.0.1:9000",
            "http://[::1]:9000/",
            "http://127.0.1.1:9000",
        ],
        ["http://minio.example.org", "https://minio.example.org", "http://minio.example.org:80"],
    ],
)
def test_a_service_has_one_name_under_all_its_addresses(names):
    """Y1."""
    assert len({service(name, REGION) for name in names}) == 1


def test_services_that_differ_have_names_that_differ():
    """Y1's control."""
    names = [
        "https://s3.amazonaws.com", "https://s3.cn-north-1.amazonaws.com.cn",
        "https://s3.example.org", "https://s3.example.org:9000", "https://s3.example.org/tenant",
        "https://s3.example.com", "http://localhost:9000", "http://localhost:9001",
        "https://notamazonaws.com", "https://s3.amazonaws.com.example.org",
    ]  # fmt: skip

    assert len({service(name, REGION) for name in names}) == len(names)
    assert service(None, "cn-north-1") == "aws-cn"
