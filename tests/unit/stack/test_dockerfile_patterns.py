import pytest

from ci.stack.config import read_settings
from ci.stack.dockerfile_names import looks_like_dockerfile
from ci.stack.dockerfile_patterns import Name, Pattern, to_kebab


def names(pattern: str, image: str, path: str) -> tuple[str, ...]:
    return tuple(map(str, Pattern(path=pattern, images=(image,)).match(path)))


@pytest.mark.parametrize(
    ("pattern", "image", "path", "found"),
    [
        pytest.param("a/Dockerfile", "x", "a/Dockerfile", "x", id="one path"),
        pytest.param("{name}/Dockerfile.cpu", "{name}", "ml/Dockerfile.cpu", "ml", id="another file"),
        pytest.param("{a}/{b}/Dockerfile", "spark:{a}-{b}", "4.0/py/Dockerfile", "spark:4.0-py", id="a tag"),
        pytest.param(
            "d/{name}_{v}.Dockerfile", "{name}:{v}", "d/r-ver_4.6.Dockerfile", "r-ver:4.6", id="within a name"
        ),
        pytest.param("**/{name}/Dockerfile", "p-{name}", "x/y/ml/Dockerfile", "p-ml", id="any depth"),
        pytest.param("**/{name}/Dockerfile", "{name}", "ml/Dockerfile", "ml", id="no folder above"),
        pytest.param("{name}/Dockerfile", "{name:kebab}", "NodeChrome/Dockerfile", "node-chrome", id="words"),
        pytest.param("{name}/Dockerfile", "{name:lower}", "NodeChrome/Dockerfile", "nodechrome", id="lower case"),
        pytest.param(
            "src/{name}/.devcontainer/Dockerfile", "{name}", "src/go/.devcontainer/Dockerfile", "go", id="hidden"
        ),
        pytest.param("tests/{name}/Dockerfile", "{name}", "tests/a/Dockerfile", "a", id="tests written out"),
        pytest.param("{a}/{a}/Dockerfile", "{a}", "x/x/Dockerfile", "x", id="the same part twice"),
        pytest.param("a+b/*/Dockerfile", "x", "a+b/c/Dockerfile", "x", id="special characters"),
    ],
)
def test_a_pattern_names_the_images_of_a_dockerfile(pattern: str, image: str, path: str, found: str) -> None:
    assert names(pattern, image, path) == (found,)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("{name}/Dockerfile", "a/b/Dockerfile"),
        ("{name}/Dockerfile", ".github/Dockerfile"),
        ("{name}/Dockerfile", "tests/Dockerfile"),
        ("**/{name}/Dockerfile", "a/.hidden/b/Dockerfile"),
        ("**/{name}/Dockerfile", "a/node_modules/b/Dockerfile"),
        ("*/Dockerfile", ".a/Dockerfile"),
        ("{a}/{a}/Dockerfile", "x/y/Dockerfile"),
        ("a.b/Dockerfile", "aXb/Dockerfile"),
        ("x/{name}.Dockerfile", "x/.Dockerfile"),
    ],
)
def test_a_pattern_does_not_match_other_paths(pattern: str, path: str) -> None:
    assert names(pattern, "x", path) == ()


def test_mistakes_in_patterns_are_all_listed() -> None:
    problems: list[str] = []
    text = """[dockerfiles]
"{Name}/Dockerfile" = "x"
"../{name}/Dockerfile" = "{name}"
"{name}/D" = "{nam}"
"{name}/E" = "{name:upper}"
"{name}/F" = "a{"
"G" = 1
"H" = ["a", "b"]
[variants.cuda]
"CUDA 12" = { CUDA = "12" }
cuda13 = "13"
[images.a]
variants = ["cude"]
"""
    settings = read_settings(text, "stack.toml", problems)
    assert problems == [
        (
            "stack.toml: dockerfiles.\"{Name}/Dockerfile\": invalid '{' in the pattern. A part is written {name}, in "
            "lower-case letters."
        ),
        (
            'stack.toml: dockerfiles."../{name}/Dockerfile": the pattern leads out of the source tree. Write a path '
            "from its top, without '..'."
        ),
        "stack.toml: dockerfiles.\"{name}/D\": '{nam}' has {nam}, which the pattern does not.",
        "stack.toml: dockerfiles.\"{name}/E\": '{name:upper}' has the unknown form 'upper'. Known ones: lower, kebab.",
        (
            "stack.toml: dockerfiles.\"{name}/F\": 'a{' cannot name an image. Write NAME or REPOSITORY:TAG, with "
            "{parts} of the pattern."
        ),
        'stack.toml: dockerfiles."G": expected the name of an image, or a list of names.',
        "stack.toml: variants.cuda.CUDA 12: a variant is part of names: use lower-case letters, digits, '.' and '-'.",
        'stack.toml: variants.cuda.cuda13: expected build args, such as { CUDA_VERSION = "12.8" }.',
        "stack.toml: images.a.variants: no such axis: 'cude'. Did you mean 'cuda'?",
    ]
    assert [pattern.images for pattern in settings.dockerfiles] == [("a", "b")]


def test_a_line_for_one_path_comes_before_patterns() -> None:
    settings = read_settings('[dockerfiles]\n"{name}/D" = "{name}"\n"a/D" = "b"\n', "stack.toml", [])
    assert [pattern.path for pattern in settings.dockerfiles] == ["a/D", "{name}/D"]


@pytest.mark.parametrize("text", ["NodeChrome", "nodeChrome", "node-chrome"])
def test_words_are_separated_by_hyphens(text: str) -> None:
    assert to_kebab(text) == "node-chrome"


@pytest.mark.parametrize(
    ("name", "valid"),
    [("a", True), ("spark:4.0-x", True), ("A", False), ("a:", True), ("a:b c", False), ("a:-b", False), ("a/b", False)],
)
def test_names_must_be_valid_for_registries(name: str, valid: bool) -> None:  # noqa: FBT001 (a parameter)
    assert Name.parse(name).is_valid is valid


@pytest.mark.parametrize(
    ("path", "is_one"),
    [
        ("Dockerfile", True),
        ("a/dockerfile", True),
        ("Dockerfile.cpu", True),
        ("Dockerfile-gpu", True),
        ("ml.Dockerfile", True),
        ("ml.dockerfile", True),
        ("Containerfile", True),
        ("x/Containerfile.rocm", True),
        ("r-ver_4.6.1.Dockerfile", True),
        ("Dockerfile.konflux.cpu", True),
        ("Dockerfile.dockerignore", False),
        ("Dockerfile.j2", False),
        ("Dockerfile.template", False),
        ("dockerfile_lint.py", False),
        ("dockerfiles", False),
        ("MyDockerfile", False),
        ("scan-dockerfile.yml", False),
    ],
)
def test_what_looks_like_a_dockerfile(path: str, is_one: bool) -> None:  # noqa: FBT001 (a parameter)
    assert looks_like_dockerfile(path) is is_one
