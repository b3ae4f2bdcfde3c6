"""The policies as they are printed and documented, read by a linter that has AWS's own lists."""

import json
import re
from pathlib import Path

import parliament
import pytest
from django.core.management import CommandError

from .lending import LAYOUTS, SEPARATE, connection, live, printed
from .runs import setup_bucket

ROOT = Path(__file__).parents[2]


def test_one_key_is_printed_by_its_name_alone(site):
    site(connection("society"))

    for key, policy in printed().items():
        assert json.loads(setup_bucket("--print-iam", key)) == policy


def test_printing_asks_s3_nothing(server, site, at):
    site(connection("society") | {"AWS_S3_ENDPOINT_URL": at["AWS_S3_ENDPOINT_URL"]})
    server.clear()

    assert printed().keys() == {"app", "assets", "live", "operator"}
    assert server.requests == []


@pytest.mark.parametrize(
    ("region", "partition"),
    [("eu-west-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")],
)
def test_each_partition_has_names_of_its_own(site, region, partition):
    site(connection("society") | SEPARATE | {"AWS_S3_REGION_NAME": region})

    text = setup_bucket("--print-iam") + setup_bucket("--dry-run")

    assert set(re.findall(r"arn:([a-z-]+):s3:::", text)) == {partition}


def test_there_is_nothing_to_print_without_s3(on_disk):
    with pytest.raises(CommandError, match="AWS_STORAGE_BUCKET_NAME"):
        setup_bucket("--print-iam")


def json_blocks(page: str) -> list[dict]:
    text = (ROOT / "docs" / page).read_text()
    return [json.loads(block) for block in re.findall(r"^```json\n(.*?)^```$", text, re.M | re.S)]


def findings(policy: dict) -> list:
    """Return the linter's findings. It does not support trust policies, which have no resource."""
    role = {"Resource": "arn:aws:iam::222222222222:role/society-staging-copy"}
    statements = [role | statement for statement in policy["Statement"]]
    analysis = parliament.analyze_policy_string(json.dumps(policy | {"Statement": statements}))
    return [(finding.issue, finding.detail) for finding in analysis.findings]


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_the_linter_finds_nothing_in_what_the_site_prints(site, layout):
    site(connection("society") | live("society-live") | layout)
    documents = json.loads(setup_bucket("--dry-run"))

    policies = printed() | {bucket: told["Policy"] for bucket, told in documents.items()}
    found = {name: findings(policy) for name, policy in policies.items()}

    assert len(policies) == 4 + (3 if layout else 1)
    # Who may write the policy of a bucket may open it: that is what an operator is for.
    assert {issue for issue, _ in found.pop("operator")} == {"RESOURCE_POLICY_PRIVILEGE_ESCALATION"}
    assert [name for name in found if found[name]] == []


@pytest.mark.parametrize("page", ["staging.md", "storage.md"])
def test_the_linter_finds_nothing_in_the_documentation(page):
    blocks = json_blocks(page)

    assert blocks
    assert [finding for block in blocks for finding in findings(block)] == []


@pytest.mark.parametrize(
    ("spoilt", "issue"),
    [
        ({"Action": "s3:GetObjects"}, "UNKNOWN_ACTION"),
        ({"Action": "s4:GetObject"}, "UNKNOWN_PREFIX"),
        ({"Condition": {"StringLike": {"s3:prefixes": "a"}}}, "UNKNOWN_CONDITION_FOR_ACTION"),
        ({"Condition": {"StringLike": {"s3:prefix": "a"}}}, "UNKNOWN_CONDITION_FOR_ACTION"),
        ({"Condition": {"StringLikes": {"s3:authType": "POST"}}}, "UNKNOWN_OPERATOR"),
        ({"Condition": {"Bool": {"s3:signatureAge": "true"}}}, "MISMATCHED_TYPE"),
        ({"Resource": "arn:aws:s3:society/*"}, "INVALID_ARN"),
        ({"Effect": "Permit"}, "MALFORMED"),
        ({"Actions": "s3:GetObject"}, "MALFORMED"),
        ({"Sid": "Two words"}, "INVALID_SID"),
    ],
)
def test_the_linter_finds_what_is_wrong(site, spoilt, issue):
    site(connection("society"))
    policy = printed()["live"]
    assert findings(policy) == []

    policy["Statement"][0] |= spoilt

    assert issue in {found for found, _ in findings(policy)}


def test_the_documentation_shows_what_is_printed(site):
    site(connection("my-society"))
    assert json_blocks("storage.md")[0] == printed()["app"]

    one = connection("society-staging") | live("society-live")
    shown = json_blocks("staging.md")
    for policy, more in zip(
        shown, ({}, {"LIVE_PROTECTED_BUCKET_NAME": "society-live-protected"}), strict=False
    ):
        site(one | more)
        assert policy == printed()["live"]
