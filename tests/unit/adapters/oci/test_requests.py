import httpx
import pytest

from ci.adapters.oci.http import Response
from ci.adapters.oci.requests import finish_upload, list_tags, next_page, read_blob
from ci.oci.reference import Repository
from ci.oci.registry import MOST_BLOB_BYTES, Descriptor, digest_of

REPOSITORY = Repository.parse("a.io/s/b")


@pytest.mark.parametrize(("size", "most"), [(0, 0), (7, 7), (1 << 40, MOST_BLOB_BYTES)], ids=["none", "small", "huge"])
def test_no_more_of_a_blob_is_read_than_its_size(size: int, most: int) -> None:
    assert read_blob(REPOSITORY, Descriptor(media_type="a/b", digest=digest_of(b""), size=size)).max_bytes == most


@pytest.mark.parametrize(
    ("location", "url"),
    [
        pytest.param("https://a.io/up/1", f"https://a.io/up/1?digest={digest_of(b'')}", id="plain"),
        pytest.param("https://a.io/up/1?s=%2F", f"https://a.io/up/1?s=%2F&digest={digest_of(b'')}", id="with a state"),
    ],
)
def test_the_digest_is_added_to_the_upload_address_and_the_rest_stays(location: str, url: str) -> None:
    assert finish_upload(location, REPOSITORY.pinned(digest_of(b"")), b"").url == url


@pytest.mark.parametrize(
    ("link", "url"),
    [
        pytest.param(
            '</v2/s/b/tags/list?n=2&last=c>; rel="next"', "https://a.io/v2/s/b/tags/list?n=2&last=c", id="path"
        ),
        pytest.param("<https://c.io/x>; rel=next", "https://c.io/x", id="address, no quotes"),
        pytest.param(
            '<?last=c>; title="a"; rel="next"', "https://a.io/v2/s/b/tags/list?last=c", id="query, more words"
        ),
        pytest.param('</p>; rel="prev", </n>; rel="next"', "https://a.io/n", id="second"),
        pytest.param('</p>; rel="prev"', None, id="other"),
        pytest.param("", None, id="none"),
    ],
)
def test_the_next_page_is_where_the_link_leads(link: str, url: str | None) -> None:
    response = Response(200, httpx.Headers({"Link": link}), b"", httpx.URL("https://a.io/v2/s/b/tags/list?n=1000"))
    following = next_page(response, list_tags(REPOSITORY))
    assert (following.url if following else None) == url
