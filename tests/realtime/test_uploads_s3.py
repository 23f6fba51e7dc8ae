"""Signatures as AWS has published them, and as its own SDK makes them."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from realtime.uploads_s3 import S3Bucket, Signer, presign
from storage.ids import uuid7
from storage.records import ConversationId, Upload, UploadId, UserId

# "Authenticating Requests: Using Query Parameters", Amazon S3 API Reference.
PUBLISHED = Signer(
    "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1"
)
SIGNER = Signer("AKIDEXAMPLE", "secret/with+signs", "eu-central-1")
NOW = datetime(2026, 11, 21, 6, 10, 1, 500_000, tzinfo=UTC)


def upload(name: str = "cv.pdf", kind: str = "application/pdf") -> Upload:
    """Make what is known of a file."""
    return Upload(
        id=UploadId(uuid7()),
        conversation_id=ConversationId(uuid7()),
        uploader_id=UserId(uuid7()),
        name=name,
        mime_type=kind,
        size=48213,
        seq=None,
        created_at=NOW,
        deleted_at=None,
    )


def test_the_published_example_has_the_published_signature() -> None:
    link = presign(
        PUBLISHED,
        "GET",
        "https://examplebucket.s3.amazonaws.com/test.txt",
        at=datetime(2013, 5, 24, tzinfo=UTC),
        seconds=86400,
    )
    assert link == (
        "https://examplebucket.s3.amazonaws.com/test.txt"
        "?X-Amz-Algorithm=AWS4-HMAC-SHA256"
        "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3"
        "%2Faws4_request"
        "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
        "&X-Amz-Signature="
        "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    )


_HEADERS = st.dictionaries(
    st.sampled_from(
        ["Content-Type", "Content-Length", "If-None-Match", "X-Amz-Meta-A"]
    ),
    st.text("abc/*+; =1", min_size=1, max_size=20).filter(lambda text: text.strip()),
)
_QUERY = st.dictionaries(
    st.sampled_from(
        ["response-content-disposition", "response-content-type", "a", "Z"]
    ),
    st.text(min_size=1, max_size=20).filter(lambda text: text.isprintable()),
)


@given(headers=_HEADERS, query=_QUERY)
def test_signatures_are_those_of_the_sdk(
    headers: dict[str, str], query: dict[str, str]
) -> None:
    url = "https://s3.eu-central-1.amazonaws.com/a-bucket/uploads/0191b1a2-0000"
    ours = presign(
        SIGNER, "PUT", url, at=NOW, seconds=900, headers=headers, query=query
    )
    request = AWSRequest("PUT", url, headers=headers, params=query)
    auth = S3SigV4QueryAuth(
        Credentials(SIGNER.access_key, SIGNER.secret_key), "s3", SIGNER.region, 900
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.auth.get_current_datetime", lambda: NOW)
        auth.add_auth(request)
    theirs = parse_qs(urlsplit(request.url).query, keep_blank_values=True)
    assert parse_qs(urlsplit(ours).query, keep_blank_values=True) == theirs


def test_a_link_to_put_binds_size_type_and_that_nothing_is_there() -> None:
    bucket = S3Bucket(SIGNER, "files", clock=lambda: NOW)
    known = upload()
    link = bucket.link_to_put(known, NOW + timedelta(minutes=15))
    parts = urlsplit(link.url)
    assert parts.netloc == "files.s3.eu-central-1.amazonaws.com"
    assert parts.path == f"/uploads/{known.id}"
    query = parse_qs(parts.query)
    assert query["X-Amz-Expires"] == ["900"]
    assert query["X-Amz-SignedHeaders"] == [
        "content-length;content-type;host;if-none-match"
    ]
    assert link.headers == {"Content-Type": known.mime_type, "If-None-Match": "*"}
    assert SIGNER.secret_key not in link.url


@pytest.mark.parametrize("name", ["../../x", 'a"; b.pdf', "履歴書.pdf", "a&b=c.pdf"])
def test_a_link_to_get_has_the_file_saved_under_its_name(name: str) -> None:
    bucket = S3Bucket(
        SIGNER,
        "files",
        clock=lambda: NOW,
        endpoint="http://127.0.0.1:9000",
        has_path_style=True,
    )
    known = upload(name, "text/html")
    parts = urlsplit(bucket.link_to_get(known, NOW + timedelta(minutes=5)))
    assert parts.netloc == "127.0.0.1:9000"
    assert parts.path == f"/files/uploads/{known.id}"
    query = parse_qs(parts.query)
    (disposition,) = query["response-content-disposition"]
    assert disposition.startswith("attachment; filename*=utf-8''")
    assert set(disposition[29:]) <= set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~%"
    )
    assert query["response-content-type"] == ["text/html"]
