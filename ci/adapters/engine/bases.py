"""What foreign references name now, as the engine sees it: through its mirrors, and with its logins."""

import dagger
from dagger import dag

from ci.errors import ExternalError


class EngineBases:
    """Bases of the engine of this session. It reads a manifest and a configuration, and no layers."""

    async def digest(self, reference: str) -> str | None:
        """Return the digest that a build would get now; None where the engine cannot find it."""
        try:
            found = await dag.container().from_(reference).image_ref()
        except dagger.QueryError:
            return None
        except dagger.DaggerError as error:
            raise ExternalError(f"The engine was lost while it looked for {reference}. Run this again.") from error
        return found.rpartition("@")[2]
