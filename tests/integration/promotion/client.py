"""A process that promotes a published stack or rolls it back: HOST FORM promote|rollback TAG [ALSO …]."""

import sys

import anyio

from ci.adapters.oci.client import HttpRegistry
from ci.adapters.oci.endpoint import Endpoint
from ci.promotion.source_run import find_published_run
from tests.integration.promotion.published import FORMS, PublishedStack


async def main(*words: str) -> None:
    host, form, function, tag, *also = words
    async with HttpRegistry(Endpoint(host=host)) as registry:
        stack = PublishedStack(registry, host, form=FORMS[form])
        if function == "promote":
            await stack.promote(await find_published_run(registry, stack.places, tag), *also)
        else:
            await stack.roll_back(tag=tag)


if __name__ == "__main__":
    anyio.run(main, *sys.argv[1:])
