import pytest

from ci.errors import RequestError
from ci.oci.reference import Reference, Repository, is_image_name, is_reference, repository_name

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
        pytest.param("a.b/c__d/e--f.g_h:_.-", "a.b", "c__d/e--f.g_h", "_.-", "", id="all valid characters"),
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
        pytest.param(
            "ghcr.io/UCSD/base:t",
            "invalid path component 'UCSD': registries accept lower-case letters only",
            id="capitals",
        ),
        pytest.param(
            "UCSD/base:t",
            "invalid path component 'UCSD': registries accept lower-case letters only",
            id="capitals in Docker Hub's user",
        ),
        pytest.param("ghcr.io/a//b:t", "empty path component", id="empty part"),
        pytest.param("ghcr.io/:t", "empty path component", id="no path"),
        pytest.param("", "empty path component", id="nothing"),
        pytest.param(
            "ghcr.io/a/-b:t", "invalid path component '-b': use lower-case letters and digits", id="dash in front"
        ),
        pytest.param("ghcr.io/a/b..c:t", "invalid path component 'b..c': use lower", id="two dots"),
        pytest.param("ghcr.io/a/../c:t", "invalid path component '..': use lower", id="climbing"),
        pytest.param("ghcr.io/a b:t", "invalid path component 'a b': use lower", id="blank"),
        pytest.param("ghcr.io/a?b:t", r"invalid path component 'a\?b': use lower", id="query"),
        pytest.param("ghcr.io/a\n:t", r"invalid path component 'a\\n': use lower", id="line end"),
        pytest.param(f"ghcr.io/{'a' * 256}:t", "the path has 256 characters; at most 255", id="long path"),
        pytest.param("ghcr.io:99999/a:t", "invalid port 99999", id="port"),
        pytest.param("gh_cr.io/a:t", "invalid host 'gh_cr.io'", id="host"),
        pytest.param("user@ghcr.io/a:t", "Invalid image reference|Invalid repository name", id="login in front"),
        pytest.param("https://ghcr.io/a:t", "invalid host 'https:'", id="address of the web"),
        pytest.param("a/b:feature x", "the tag 'feature x' contains ' ': use letters", id="blank in tag"),
        pytest.param("a/b:.t", "starts with '.': it must start with", id="dot in front of tag"),
        pytest.param("a/b:-t", "starts with '-': it must start with", id="dash in front of tag"),
        pytest.param(f"a/b:{'t' * 129}", "the tag has 129 characters; at most 128", id="long tag"),
        pytest.param("a/b:", "Invalid image reference 'a/b:': empty tag", id="no tag"),
        pytest.param("a/b@", "Invalid image reference 'a/b@': empty digest", id="no digest"),
        pytest.param("a/b@sha256:abc", "invalid digest 'sha256:abc'", id="short digest"),
        pytest.param(
            f"a/b@sha256:{'0A' * 32}",
            "invalid digest .*: expected 'sha256:' and 64 lower-case",
            id="digest in capitals",
        ),
        pytest.param(f"a/b@md5:{'0a' * 32}", "invalid digest", id="other digest"),
        pytest.param(
            "GH_cr.io/A/-b:t", "invalid host 'gh_cr.io'; .* 'A': registries accept .*; .* '-b': use", id="all"
        ),
    ],
)
def test_what_no_registry_takes_is_refused_with_its_fault(text: str, sentence: str) -> None:
    with pytest.raises(RequestError, match=sentence):
        Reference.parse(text)


def test_a_branch_name_as_tag_is_refused_with_the_characters_that_are_wrong() -> None:
    with pytest.raises(RequestError, match=r"ghcr.io/a/b:feature/ä\+x'.*contains '\+' '/' 'ä': use letters"):
        Repository.parse("ghcr.io/a/b").tagged("feature/ä+x")


def test_a_digest_of_other_digits_is_refused() -> None:
    with pytest.raises(RequestError, match="invalid digest"):
        Repository.parse("a/b").pinned("sha256:" + "٣" * 64)


def test_a_reference_needs_a_tag_or_a_digest() -> None:
    with pytest.raises(RequestError, match="neither a tag nor a digest"):
        Reference(repository=Repository.parse("a/b"))


@pytest.mark.parametrize(
    ("tag", "digest", "target"),
    [("t", "", "t"), ("", DIGEST, DIGEST), ("t", DIGEST, DIGEST)],
    ids=["tag", "digest", "both"],
)
def test_the_digest_decides(tag: str, digest: str, target: str) -> None:
    assert Reference(repository=Repository.parse("a/b"), tag=tag, digest=digest).target == target


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("base", "base"),
        ("base:latest", "base"),
        ("ucsdets/base:2026.4-stable", "base"),
        ("localhost:5000/base", "base"),
        (f"localhost:5000/a/b/base:tag@{DIGEST}", "base"),
        (f"base@{DIGEST}", "base"),
        ("ghcr.io/org/base-notebook:v1", "base-notebook"),
        ("[::1]:5000/base", "base"),
    ],
)
def test_the_last_part_of_the_repository_is_the_name(reference: str, name: str) -> None:
    assert repository_name(reference) == name
    assert is_reference(reference)


@pytest.mark.parametrize("text", ["", ":tag", "/base", "Base", "base:", "a//b", "base:tag:tag", "a b", "$X", "base@x"])
def test_what_no_registry_accepts_is_not_a_reference(text: str) -> None:
    assert not is_reference(text)


@pytest.mark.parametrize(
    ("name", "valid"),
    [
        ("base-notebook", True), ("a.b_c__d---e", True), ("3d", True), ("cuda12", True),
        ("Base", False), ("-a", False), ("a-", False), ("a..b", False), ("a___b", False), ("a b", False),
    ],
)  # fmt: skip
def test_valid_image_names(name: str, *, valid: bool) -> None:
    assert is_image_name(name) is valid


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("GHCR.io/a/b:t", id="host in capitals"),
        pytest.param("UCSD/base", id="what could be a host"),
        pytest.param("ghcr.io:99999/a", id="a port that is too high"),
        pytest.param(f"a@SHA256:{'0A' * 32}", id="a digest in capitals"),
        pytest.param(f"a@sha512:{'0a' * 64}", id="another algorithm"),
        pytest.param(f"a@md5+b64:{'0a' * 16}", id="an unknown algorithm"),
    ],
)
def test_dockerfiles_may_hold_what_is_refused_elsewhere(text: str) -> None:
    assert is_reference(text)


def test_a_repository_has_its_host_in_lower_case() -> None:
    with pytest.raises(RequestError, match=r"invalid host 'GHCR\.io'"):
        Repository(host="GHCR.io", path="a/b")


def test_a_long_tag_is_refused_once() -> None:
    with pytest.raises(RequestError, match=r": the tag has 300 characters; at most 128 are allowed\.$"):
        Repository.parse("a/b").tagged("t" * 300)
