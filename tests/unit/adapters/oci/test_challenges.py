import pytest

from ci.adapters.oci.auth import read_challenges


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param([], {}, id="none"),
        pytest.param([""], {}, id="empty"),
        pytest.param(['Basic realm="Registry"'], {"basic": {"realm": "Registry"}}, id="password"),
        pytest.param(
            [
                'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"'
            ],
            {
                "bearer": {
                    "realm": "https://auth.docker.io/token",
                    "service": "registry.docker.io",
                    "scope": "repository:a/b:pull,push",
                }
            },
            id="token",
        ),
        pytest.param(
            ['bearer  Realm = "https://a/t" ,  service=plain'],
            {"bearer": {"realm": "https://a/t", "service": "plain"}},
            id="blanks, capitals, no quotes",
        ),
        pytest.param(["Bearer realm=https://a/t"], {"bearer": {"realm": "https://a/t"}}, id="address without quotes"),
        pytest.param([r'Basic realm="a \"b\" \\ c, d=e"'], {"basic": {"realm": r'a "b" \ c, d=e'}}, id="quotes inside"),
        pytest.param(
            ['Basic realm="r", Bearer realm="https://a/t",service="s"'],
            {"basic": {"realm": "r"}, "bearer": {"realm": "https://a/t", "service": "s"}},
            id="two in one header",
        ),
        pytest.param(
            ['Bearer realm="https://a/t"', 'Basic realm="r"'],
            {"bearer": {"realm": "https://a/t"}, "basic": {"realm": "r"}},
            id="two headers",
        ),
        pytest.param(
            ['Bearer realm="https://first/t"', 'Bearer realm="https://second/t"'],
            {"bearer": {"realm": "https://first/t"}},
            id="the first of a scheme",
        ),
        pytest.param(["Negotiate"], {"negotiate": {}}, id="no parameters"),
        pytest.param(["Negotiate, Basic realm=r"], {"negotiate": {}, "basic": {"realm": "r"}}, id="beside another"),
        pytest.param(['realm="nobody\'s"'], {}, id="no scheme"),
        pytest.param(['Bearer realm=""'], {"bearer": {"realm": ""}}, id="empty value"),
        pytest.param(['Bearer realm="never closed'], {"bearer": {}, "never": {}, "closed": {}}, id="open quote"),
    ],
)
def test_challenges_are_read_as_registries_spell_them(headers: list[str], expected: dict[str, dict[str, str]]) -> None:
    assert {scheme: challenge.parameters for scheme, challenge in read_challenges(headers).items()} == expected
