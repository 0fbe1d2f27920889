"""The configuration of an image, as the engine knows it."""

import dagger

from ci.contents.model import ImageConfig


async def read_config(image: dagger.Container) -> ImageConfig:
    """Return the configuration of an image. Raises dagger.QueryError.

    Dagger does not tell volumes and the stop signal.
    """
    environment = {await one.name(): await one.value() for one in await image.env_variables()}
    labels = {await one.name(): await one.value() for one in await image.labels()}
    ports = [f"{await one.port()}/{(await one.protocol()).value.lower()}" for one in await image.exposed_ports()]
    return ImageConfig(
        user=await image.user(),
        workdir=await image.workdir(),
        entrypoint=tuple(await image.entrypoint()),
        command=tuple(await image.default_args()),
        environment=dict(sorted(environment.items())),
        labels=dict(sorted(labels.items())),
        ports=tuple(sorted(ports)),
        healthcheck=await _healthcheck(image.docker_healthcheck()),
    )


async def _healthcheck(check: dagger.HealthcheckConfig) -> tuple[str, ...]:
    try:
        words = await check.args()
    except dagger.InvalidQueryError:
        # The client cannot tell that there is none: it says that a required field is null.
        return ()
    return ("CMD-SHELL" if await check.shell() else "CMD", *words) if words else ()
