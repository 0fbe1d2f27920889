from ci.fusion.fused import layering
from tests.unit.fusion.sample_stacks import fused

FILES = {
    "base": "FROM debian:12\nCOPY a /a\nRUN base\n",
    "ds": "FROM x AS fetch\nRUN fetch\nFROM base AS first\nWORKDIR /w\nFROM first\nCOPY --from=fetch /f /f\n",
}


def test_layers_come_from_the_chain_of_from_and_not_from_copied_stages() -> None:
    found = fused("ds", FILES)
    made = layering(found)
    assert made.base == "debian:12"
    assert found.head(made.begin).splitlines()[-1].startswith("FROM debian:12")
    assert [(step.image, step.command) for step in made.steps] == [
        ("base", "COPY a /a"),
        ("base", "RUN base"),
        ("ds", "WORKDIR /w"),
        ("ds", "COPY --from=fetch /f /f"),
    ]


def test_an_image_may_add_no_layers_to_its_base() -> None:
    made = layering(fused("a", {"a": "FROM scratch\nENV a=b\n"}))
    assert (made.base, made.begin, made.steps) == ("scratch", 1, ())
