"""Starts a Python module for one function call, or with --register for its types, as Dagger's own runtime does.

A call is one process of half a second, so what the SDK does at every start is worth saving: here it does not ask the
engine for its schema (0.4 s; the runtime has it as a file), nor prepare the checks of the arguments of methods that are
never called (0.5 s), nor collect garbage while it loads.
"""  # noqa: INP001 (a script in the module's container, part of no package)

import functools
import gc
import importlib
import json
import os
import re
import sys
import tomllib
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from types import FunctionType
from typing import Any, Self

SCHEMA = Path("/schema.json")

Decorator = Callable[..., Any]


def checked_when_called(check: Decorator, owner: type, name: str, method: FunctionType) -> Decorator:
    """Stand in for METHOD until its first call, which puts the checked method into its place."""

    @functools.wraps(method)
    def first_call(*args: object, **kwargs: object) -> object:
        # beartype knows what Self means only inside of a class that it decorates whole.
        method.__annotations__.update({key: owner for key, hint in method.__annotations__.items() if hint is Self})
        checked = check(method)
        setattr(owner, name, checked)
        return checked(*args, **kwargs)

    return first_call


def lazily(beartype: Decorator) -> Decorator:
    """Make beartype, given only options, a class decorator that puts off each method's checks to its first call."""

    def with_options(**options: object) -> Decorator:
        check = beartype(**options)

        def decorate(owner: type) -> type:
            for name, member in list(vars(owner).items()):
                if isinstance(member, FunctionType):
                    setattr(owner, name, checked_when_called(check, owner, name, member))
            return owner

        return decorate

    return with_options


def import_sdk() -> Any:  # noqa: ANN401 (the SDK's modules have no type that says what may be replaced in them)
    """Import the SDK with what it does at each start made cheap; return its command line, `dagger.mod.cli`."""
    # The official runtime's SDK cannot start engines either; what it would need for that takes 0.1 s to import.
    sys.modules["dagger.provisioning"] = None  # type: ignore[assignment]
    beartype: Any = importlib.import_module("beartype")
    beartype.beartype, at_once = lazily(beartype.beartype), beartype.beartype
    cli = importlib.import_module("dagger.mod.cli")
    beartype.beartype = at_once

    session: Any = importlib.import_module("dagger.client._session")
    client = session.GraphQLClient

    def client_with_schema(**options: object) -> object:
        known = {"fetch_schema_from_transport": False, "introspection": json.loads(SCHEMA.read_bytes())}
        return client(**options | known)

    session.GraphQLClient = client_with_schema
    return cli


def entry_point(project: Path) -> EntryPoint | None:
    """Find the main object where an installed project would name it."""
    table = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8")).get("project", {})
    value = table.get("entry-points", {}).get("dagger.mod", {}).get("main_object")
    return value and EntryPoint("main_object", value, "dagger.mod")


def main() -> int | None:
    """Load the SDK and the module, and do what the engine asks for."""
    gc.disable()
    name, project = os.environ["DAGGER_MODULE"], Path(os.environ["DAGGER_PROJECT"])
    os.environ["DAGGER_MAIN_OBJECT"] = "".join(part[:1].upper() + part[1:] for part in re.split(r"[-_ ]+", name))
    os.environ["DAGGER_DEFAULT_PYTHON_PACKAGE"] = re.sub(r"[-. ]+", "_", name)
    sys.path[0:1] = [str(project), str(project / "src")]
    cli = import_sdk()
    if found := entry_point(project):
        cli.get_entry_point = lambda: found
    gc.freeze()
    gc.enable()
    exit_code: int | None = cli.app(register="--register" in sys.argv)
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
