import msgspec
import pytest
from msgspec.structs import replace

from ci.planning.cache_key import make_keys
from ci.stack.model import EntryKind
from ci.stack.reader import read_stack
from tests.unit.planning.sample_keys import (
    ALL,
    BASES,
    CI,
    FILES,
    KINDS,
    ON_BASE,
    PIPELINE,
    TOML,
    Files,
    Kinds,
    changed,
    files,
    keys,
)
from tests.unit.trees import MemoryTree


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        pytest.param({"images/base/a/tool": "2"}, ON_BASE, id="a file"),
        pytest.param({"images/base/a/more": ""}, ON_BASE, id="one file more"),
        pytest.param({"images/base/a/tool": None}, ON_BASE, id="one file less"),
        pytest.param({"images/base/a/tool": None, "images/base/b/tool": "1"}, ON_BASE, id="a moved file"),
        pytest.param({"images/base/keep.md": "x"}, ON_BASE, id="an exception of what is ignored"),
        pytest.param({"images/base/scratch/kept": "x"}, ON_BASE, id="an exception in an ignored folder"),
        pytest.param({"images/base/.dockerignore": "nothing\n"}, ON_BASE, id="what is ignored"),
        pytest.param({"images/base/Dockerfile": "FROM debian:12\nCOPY . /b/\n"}, ON_BASE, id="a Dockerfile"),
        pytest.param({"images/fonts/font": "2"}, {"fonts", "ds"}, id="what another image copies from"),
        pytest.param({"images/other/x": ""}, {"other"}, id="a leaf"),
        pytest.param({"images/base/tests/conftest.py": ""}, ON_BASE, id="what lies beside suites"),
        pytest.param({"ci/module.py": "x"}, ALL, id="what has all rebuilt"),
        pytest.param({"ci/a/b.py": "x"}, ALL, id="more of what has all rebuilt"),
        pytest.param({"images/base/a/__pycache__/x": ""}, ON_BASE, id="compiled Python in a context"),
        pytest.param({"images/base/node_modules/x": ""}, ON_BASE, id="packages in a context"),
        pytest.param({TOML: f'{CI}epoch = "2"\n'}, ALL, id="the epoch"),
        pytest.param({TOML: f'{CI}[images.ds]\nbuild-args = {{V = "2"}}\n'}, {"ds"}, id="a build arg"),
    ],
)
def test_what_goes_into_an_image_changes_its_key(changes: dict[str, str | None], names: set[str]) -> None:
    assert changed(keys(), keys(files(**changes))) == names


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"images/base/read.md": "x"}, id="an ignored file"),
        pytest.param({"images/base/other.md": "x"}, id="one ignored file more"),
        pytest.param({"images/base/scratch/x": "y"}, id="a file of a folder that is ignored"),
        pytest.param({"images/base/tests/image/test_base.py": "x"}, id="a test"),
        pytest.param({"images/base/tests/image/test_more.py": "x"}, id="one test more"),
        pytest.param({"images/tests_common/image/test_all.py": "x"}, id="a test of all images"),
        pytest.param({"images/new/Dockerfile": "FROM base\n"}, id="another image"),
        pytest.param({"README.md": "x", "ci.md": "x"}, id="a file of no image"),
        pytest.param({"ci/__pycache__/x": "", "ci/a/.ipynb_checkpoints/x": ""}, id="what Python and Jupyter leave"),
        pytest.param(
            {"images/base/tests/__pycache__/x": "", "images/base/tests/gpu/__pycache__/a/x": ""}, id="by tests"
        ),
        pytest.param({TOML: f'{CI}version = "2"\nregistry = "r"\n'}, id="names and tags"),
        pytest.param({TOML: f'{CI}[images.base]\nsize-budget = "1 GB"\n'}, id="what only tests see"),
    ],
)
def test_what_does_not_go_into_an_image_leaves_its_key(changes: dict[str, str | None]) -> None:
    assert changed(keys(), keys(files(**changes))) == set()


@pytest.mark.parametrize(
    ("path", "names"),
    [
        pytest.param(".github/workflows/main.yml", ALL, id="what runs the pipeline"),
        pytest.param(".github/workflows/wide.yml", ALL, id="what runs it on several machines"),
        pytest.param(".github/workflows/tag.yml", set(), id="another workflow"),
        pytest.param(".github/dependabot.yml", set(), id="no workflow"),
        pytest.param("ci/fusion/fuse.py", set(), id="a folder of that name"),
        pytest.param("dagger.json", set(), id="the module's own settings"),
        pytest.param("docs/stack.md", set(), id="documentation"),
        pytest.param("images/README.md", set(), id="documentation beside the images"),
        pytest.param("images/base/README.md", set(), id="an ignored file of an image"),
        pytest.param("images/update-pins", set(), id="a program beside the images"),
    ],
)
def test_by_default_only_the_workflows_that_build_rebuild_all(path: str, names: set[str]) -> None:
    plain = files(**{TOML: ""})
    assert changed(keys(plain), keys({**plain, path: "x"})) == names
    assert changed(keys({**plain, path: "x"}), keys({**plain, path: "y"})) == names


@pytest.mark.parametrize(
    "kinds",
    [
        pytest.param({"images/base/a/tool": EntryKind.PROGRAM}, id="it may be executed"),
        pytest.param({"images/base/a/tool": EntryKind.LINK}, id="it is a link of the same text"),
        pytest.param({"images/base/new": EntryKind.FOLDER}, id="an empty folder more"),
    ],
)
def test_what_an_entry_is_changes_the_key(kinds: Kinds) -> None:
    assert changed(keys(), keys(kinds=KINDS | kinds)) == ON_BASE


def test_an_empty_folder_that_is_ignored_leaves_the_key() -> None:
    assert changed(keys(), keys(kinds=KINDS | {"images/base/x.md": EntryKind.FOLDER})) == set()


def test_an_ignored_folder_counts_for_what_is_kept_of_it() -> None:
    ignored = {"images/base/.dockerignore": "scratch\n!scratch/kept\n"}
    without = {path: text for path, text in (FILES | ignored).items() if not path.startswith("images/base/scratch")}
    kinds = {"images/base/scratch": EntryKind.FOLDER}
    assert changed(keys(without, kinds={}), keys(without, kinds)) == set()
    assert changed(keys(without, kinds={}), keys(FILES | ignored, kinds={})) == ON_BASE


def test_it_does_not_matter_by_which_patterns_a_context_is_the_same() -> None:
    def ignoring(patterns: str) -> Files:
        own = {"images/base/.dockerignore": f".dockerignore\n{patterns}", "images/base/scratch-2": ""}
        return FILES | own

    one, two = ignoring("scratch\n!scratch/kept\n"), ignoring("scratch/**\n!scratch/kept\n")
    assert changed(keys(one), keys(two)) == set()


def test_an_empty_folder_is_no_change_of_what_has_all_rebuilt() -> None:
    assert changed(keys(), keys(kinds=KINDS | {"ci/empty": EntryKind.FOLDER})) == set()


def test_other_bases_and_platforms_change_the_key() -> None:
    assert changed(keys(), keys(bases=BASES | {"debian:12": "sha256:new"})) == ON_BASE
    assert changed(keys(), keys(bases=BASES | {"uv:0.9": "sha256:new"})) == {"ds"}
    assert changed(keys(), keys(bases=BASES | {"gone:1": "sha256:x"})) == set()
    assert changed(keys(), keys(platform="linux/arm64")) == ALL


def test_a_base_whose_digest_is_not_known_leaves_no_key_to_all_built_on_it() -> None:
    found = keys(bases={"uv:0.9": None})
    assert {name: (one.key is None, one.unknown) for name, one in found.items()} == {
        "base": (True, ("debian:12",)),
        "fonts": (False, ()),
        "ds": (True, ("uv:0.9", "debian:12")),
        "other": (True, ("debian:12",)),
    }


def test_two_images_of_one_repository_have_no_key_in_common() -> None:
    """Not even with the same sources: their cache tags would be one. A prefix changes no key of other images."""
    tree = MemoryTree({f"images/{name}/Dockerfile": "FROM debian:12\nRUN x\n" for name in ("a", "b", "c")})
    stack = read_stack(tree)
    plain = make_keys(stack, tree, stack.images, BASES, PIPELINE)
    assert plain["a"].key == plain["b"].key == plain["c"].key
    places = {"a": "", "b": "b-", "c": "c-"}
    images = tuple(msgspec.structs.replace(one, repository="a", tag_prefix=places[one.name]) for one in stack.images)
    shared = make_keys(msgspec.structs.replace(stack, images=images), tree, images, BASES, PIPELINE)
    assert shared["a"].key == plain["a"].key
    assert len({key.key for key in shared.values()}) == 3
    assert {key.tests_key for key in shared.values()} == {plain["a"].tests_key}


def test_a_base_that_is_not_known_is_named_once() -> None:
    twice = files(**{"images/other/Dockerfile": "FROM base\nCOPY --from=debian:12 /a /b\n"})
    assert keys(twice, bases={})["other"].unknown == ("debian:12",)


def test_a_base_named_by_its_digest_is_known() -> None:
    pinned = files(**{"images/base/Dockerfile": f"FROM debian:12@sha256:{'a' * 64}\n"})
    assert keys(pinned, bases={"uv:0.9": "u"})["base"].key is not None


def test_a_context_may_be_the_whole_tree() -> None:
    def shared(toml: str) -> Files:
        return {
            "images/a/Dockerfile": "FROM scratch\nCOPY . /\n",
            "images/a/tests/image/test_x.py": "",
            "lib/x": "1",
            "images/stack.toml": f'[stack]\nrebuild-all = []\n[images.a]\ncontext = "{toml}"\n',
        }

    whole, own = shared("../.."), shared(".")
    assert changed(keys(whole, {}), keys(whole | {"lib/x": "2"}, {})) == {"a"}
    assert changed(keys(whole, {}), keys(whole | {"images/a/tests/image/test_x.py": "2"}, {})) == set()
    assert changed(keys(own, {}), keys(own | {"lib/x": "2"}, {})) == set()


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        pytest.param({"images/base/tests/image/test_base.py": "x"}, ON_BASE, id="an ancestor's"),
        pytest.param({"images/ds/tests/image/test_ds.py": "x"}, {"ds"}, id="its own"),
        pytest.param({"images/ds/tests/image/data": "x"}, {"ds"}, id="a file beside its tests"),
        pytest.param({"images/tests_common/image/test_all.py": "x"}, ALL, id="every image's"),
        pytest.param({"images/fonts/tests/image/test_f.py": ""}, {"fonts"}, id="not copied ones'"),
        pytest.param({"images/base/tests/gpu/test_gpu.py": "x"}, set(), id="not for a GPU"),
        pytest.param({"images/base/a/tool": "x"}, set(), id="not what is tested"),
        pytest.param({TOML: "[tests.server-environment]\nTOKEN = 'x'\n"}, ALL, id="settings"),
        pytest.param({TOML: '[images.ds]\nsize-budget = "1 GB"\n'}, {"ds"}, id="a budget"),
    ],
)
def test_suites_have_a_hash_of_their_own(changes: dict[str, str | None], names: set[str]) -> None:
    assert changed(keys(), keys(files(**changes)), "tests_key") == names


def test_what_runs_suites_is_in_their_hash_and_bases_are_not() -> None:
    others = replace(PIPELINE, suite_code="u")
    assert changed(keys(), keys(pipeline=others), "tests_key") == ALL
    assert changed(keys(), keys(pipeline=others)) == set()
    assert changed(keys(), keys(bases={}), "tests_key") == set()


@pytest.mark.parametrize("field", ["image_code", "engine"])
def test_the_code_and_the_engine_that_build_images_are_in_all_keys(field: str) -> None:
    others = replace(PIPELINE, **{field: "other"})
    assert changed(keys(), keys(pipeline=others)) == ALL
    assert changed(keys(), keys(pipeline=others), "tests_key") == set()


def test_disabled_images_have_no_key_and_may_be_wrong() -> None:
    disabled = {
        "images/other/Dockerfile": "FROM $X\n",
        TOML: '[images.other]\nenabled = false\nreason = "old"\n',
    }
    assert set(keys(files(**disabled))) == {"base", "ds", "fonts"}


def test_only_the_images_that_are_asked_for_get_a_key() -> None:
    tree = MemoryTree(FILES)
    stack = read_stack(tree)
    found = make_keys(stack, tree, stack.closure(["fonts"]), {}, PIPELINE)
    assert found == {"fonts": keys()["fonts"]}


def test_a_file_that_many_images_share_is_read_once() -> None:
    class Counted(MemoryTree):
        asked: list[str]

        def digest(self, path: str) -> str:
            self.asked.append(path)
            return super().digest(path)

    shared = {f"images/i{number}/Dockerfile": "FROM scratch\nCOPY . /\n" for number in range(5)}
    tables = "".join(f'[images.i{number}]\ncontext = "../.."\n' for number in range(5))
    tree = Counted({**shared, "lib/x": "", "images/stack.toml": tables})
    tree.asked = []
    stack = read_stack(tree)
    assert len(make_keys(stack, tree, stack.images, {}, PIPELINE)) == 5
    assert sorted(tree.asked) == sorted(tree.paths)


def test_keys_stay_as_they_are() -> None:
    """Another value has all images of all users built anew: a new version of the encoding, never an accident.

    It is version 2: the code and the engine that build images and the compression of their layers are part of it, in
    place of the files of `ci`, dagger.json and stack.toml in the source tree.
    """
    tree = MemoryTree({"images/a/Dockerfile": "FROM debian:12\nCOPY . /\n", "images/a/x": "é"})
    stack = read_stack(tree)
    found = make_keys(stack, tree, stack.images, {"debian:12": "sha256:d"}, PIPELINE)["a"]
    assert found.key == "992ee60b21f5bf517f030b9961dd1d54297bf383848464aadfa00eeb7b5ba390"


def test_tests_keys_stay_as_they_are() -> None:
    """Another value has all suites of all users run again. Version 2 has the code that judges suites, too."""
    tree = MemoryTree(
        {
            "images/a/Dockerfile": "FROM debian:12\n",
            "images/a/tests/image/test_a.py": "1",
            "images/tests_common/image/test_b.py": "2",
        }
    )
    stack = read_stack(tree)
    found = make_keys(stack, tree, stack.images, {"debian:12": "sha256:d"}, PIPELINE)["a"]
    assert found.tests_key == "785dfa2b6192a548e069bee968c1c864ba4914dc3ea2c7a5b15c12270e425383"
