from ci.fusion.secrets import MountedSecrets, mounted_secrets
from tests.unit.fusion.sample_stacks import fused


def test_a_text_mounts_what_the_runs_of_all_its_images_mount() -> None:
    files = {
        "base": "FROM debian\nRUN --mount=type=secret,id=npm,target=/root/.npmrc --mount=type=ssh x\n",
        "kid": "FROM base\nRUN --mount=type=secret,id=tok,env=TOK --mount=type=secret,source=pip x\n",
        "other": "FROM debian\nRUN --mount=type=secret,id=$I x\n",
    }
    assert mounted_secrets(fused("kid", files)) == MountedSecrets(
        ids=frozenset({"npm", "tok", "pip"}),
        has_variable_ids=False,
        targets=("/root/.npmrc", "/run/secrets/pip"),
        variables=("TOK",),
        has_ssh=True,
    )
    other = mounted_secrets(fused("other", files))
    assert (other.has_variable_ids, other.has_ssh) == (True, False)
