import pytest

from ci.errors import RequestError
from ci.oci.reference import Reference, Repository

DIGEST = f"sha256:{'0a' * 32}"


@pytest.mark.parametrize(
    ("text", "host", "path", "tag", "digest"),
    [
        pytest.param("python", "docker.io", "library/python", "latest", "", id="short name"),
        pytest.param("python:3.13-slim", "docker.io", "library/python", "3.13-slim", "", id="short name and tag"),
        pytest.param("ucsdets/base:t", "docker.io", "ucsdets/base", "t", "", id="Docker Hub's user"),
        pytest.param("docker.io/python:t", "docker.io", "library/python", "t", "", id="Docker Hub by name"),
        pytest.param("index.docker.io/a/b:t", "docker.io", "a/b", "t", "", id="Docker Hub's other name"),
        pytest.param("registry-1.docker.io/a/b:t", "docker.io", "a/b", "t", "", id="Docker Hub's address"),
        pytest.param("GHCR.io/a/b/c:t", "ghcr.io", "a/b/c", "t", "", id="host in capitals"),
        pytest.param("localhost/a:t", "localhost", "a", "t", "", id="localhost"),
        pytest.param("localhost:5000/a", "localhost:5000", "a", "latest", "", id="port and no tag"),
        pytest.param("127.0.0.1:5000/a/b:t", "127.0.0.1:5000", "a/b", "t", "", id="address"),
        pytest.param("[::1]:5000/a:t", "[::1]:5000", "a", "t", "", id="address of version 6"),
        pytest.param("local/a:t", "docker.io", "local/a", "t", "", id="a word is no host"),
        pytest.param(f"quay.io/a/b@{DIGEST}", "quay.io", "a/b", "", DIGEST, id="digest"),
        pytest.param(f"quay.io/a/b:t@{DIGEST}", "quay.io", "a/b", "t", DIGEST, id="tag and digest"),
        pytest.param(f"a@{DIGEST}", "docker.io", "library/a", "", DIGEST, id="short name and digest"),
        pytest.param("a.b/c__d/e--f.g_h:_.-", "a.b", "c__d/e--f.g_h", "_.-", "", id="all that may stand in names"),
        pytest.param(f"a/b:{'t' * 128}", "docker.io", "a/b", "t" * 128, "", id="longest tag"),
    ],
)
def test_a_reference_is_read_and_written(text: str, host: str, path: str, tag: str, digest: str) -> None:
    read = Reference.parse(text)
    assert (read.repository.host, read.repository.path, read.tag, read.digest) == (host, path, tag, digest)
    written = str(read)
    assert written.startswith(f"{host}/{path}")
    assert Reference.parse(written) == read
    assert str(Reference.parse(written)) == written


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param("ghcr.io/UCSD/base:t", "'UCSD' has capital letters", id="capitals"),
        pytest.param("UCSD/base:t", "'UCSD' has capital letters", id="capitals in Docker Hub's user"),
        pytest.param("ghcr.io/a//b:t", "a part of its path is empty", id="empty part"),
        pytest.param("ghcr.io/:t", "a part of its path is empty", id="no path"),
        pytest.param("", "a part of its path is empty", id="nothing"),
        pytest.param("ghcr.io/a/-b:t", "'-b' is not small letters and digits, joined", id="dash in front"),
        pytest.param("ghcr.io/a/b..c:t", "'b..c' is not small letters", id="two dots"),
        pytest.param("ghcr.io/a/../c:t", "'..' is not small letters", id="climbing"),
        pytest.param("ghcr.io/a b:t", "'a b' is not small letters", id="blank"),
        pytest.param("ghcr.io/a?b:t", r"'a\?b' is not small letters", id="query"),
        pytest.param("ghcr.io/a\n:t", r"'a\\n' is not small letters", id="line end"),
        pytest.param(f"ghcr.io/{'a' * 256}:t", "its path has 256 characters, and 255", id="long path"),
        pytest.param("ghcr.io:99999/a:t", "there is no port 99999", id="port"),
        pytest.param("gh_cr.io/a:t", "'gh_cr.io' is no host", id="host"),
        pytest.param("user@ghcr.io/a:t", "cannot name an image|cannot be the name", id="login in front"),
        pytest.param("https://ghcr.io/a:t", "'https:' is no host", id="address of the web"),
        pytest.param("a/b:feature x", "'feature x' holds ' '", id="blank in tag"),
        pytest.param("a/b:.t", "begins with '.', and only", id="dot in front of tag"),
        pytest.param("a/b:-t", "begins with '-', and only", id="dash in front of tag"),
        pytest.param(f"a/b:{'t' * 129}", "its tag has 129 characters, and 128", id="long tag"),
        pytest.param("a/b:", "nothing stands behind its ':'", id="no tag"),
        pytest.param("a/b@", "nothing stands behind its '@'", id="no digest"),
        pytest.param("a/b@sha256:abc", "'sha256:abc' is no digest", id="short digest"),
        pytest.param(f"a/b@sha256:{'0A' * 32}", "is no digest: one is sha256:", id="digest in capitals"),
        pytest.param(f"a/b@md5:{'0a' * 32}", "is no digest", id="other digest"),
        pytest.param("GH_cr.io/A/-b:t", "'gh_cr.io' is no host; 'A' has capital letters.*; '-b' is not", id="all"),
    ],
)
def test_what_no_registry_takes_is_refused_with_its_fault(text: str, sentence: str) -> None:
    with pytest.raises(RequestError, match=sentence):
        Reference.parse(text)


def test_a_branch_name_as_tag_is_refused_with_the_characters_that_are_wrong() -> None:
    with pytest.raises(RequestError, match=r"ghcr.io/a/b:feature/ä\+x' cannot name.*holds '\+' '/' 'ä'\.$"):
        Repository.parse("ghcr.io/a/b").tagged("feature/ä+x")


def test_a_digest_of_other_digits_is_refused() -> None:
    with pytest.raises(RequestError, match="is no digest"):
        Repository.parse("a/b").pinned("sha256:" + "٣" * 64)


def test_a_reference_names_something() -> None:
    with pytest.raises(RequestError, match="neither a tag nor a digest"):
        Reference(repository=Repository.parse("a/b"))


@pytest.mark.parametrize(
    ("tag", "digest", "target"),
    [("t", "", "t"), ("", DIGEST, DIGEST), ("t", DIGEST, DIGEST)],
    ids=["tag", "digest", "both"],
)
def test_the_digest_decides(tag: str, digest: str, target: str) -> None:
    assert Reference(repository=Repository.parse("a/b"), tag=tag, digest=digest).target == target
