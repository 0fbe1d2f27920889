"""The command lines for the login node, and the script in the pod; all values are quoted.

The pod's script reports by marks, each on a line of its own: `<<KIND:nonce:value>>`. The script assembles them as it
prints them, so that an echoed command line contains no mark.
"""

import math
import shlex

from ci.gpu_gate.ports import Timing
from ci.stack.gpu_config import GpuSettings

# For pulling the image, which counts in the pod's own time limit. This limit ends a pod that the gate could not delete.
_PULL = 900
# Home is a network folder that outlives pods. Its files must not shadow those of the image, so the tests run in an
# empty folder, and without the packages in the account's home.
_SCRIPT = """\
mark() { echo; echo "<<$1:$nonce:$2>>"; }
nonce=NONCE
export PYTHONNOUSERSITE=1 PYTHONUNBUFFERED=1
mark RUN begins
timeout 60 nvidia-smi -L | while read -r gpu; do mark GPU "$gpu"; done
folder=$(mktemp -d) && cd "$folder"
timeout -s INT -k 30 LIMIT python -m pytest TESTS -v --color=no -p no:cacheprovider --junitxml="$folder/junit.xml"
code=$?
mark JUNIT begin
[ -f junit.xml ] && gzip -c junit.xml | base64 -w 76
mark JUNIT end
mark RC $code
exit $code
"""


def pod_script(settings: GpuSettings, nonce: str) -> str:
    """Return the bash script for the pod."""
    return (
        _SCRIPT.replace("NONCE", nonce)
        .replace("LIMIT", str(math.ceil(settings.run_limit)))
        .replace("TESTS", shlex.quote(settings.tests))
    )


def launch_command(settings: GpuSettings, reference: str, pod: str, nonce: str, timing: Timing) -> str:
    """Return the command line that launches the pod and waits for its end, with a time limit of its own.

    `exec` replaces the shell, so that an interrupt goes to the launcher.
    """
    limit = settings.queue_limit + settings.run_limit + 2 * timing.margin
    words = [
        *("env", f"K8S_TIMEOUT_SECONDS={math.ceil(settings.run_limit + _PULL)}"),
        *("timeout", "-s", "INT", "-k", "60", str(math.ceil(limit))),
        settings.launch,
        *("-i", reference, "-N", pod),
        *("-l", f"gpu-class={settings.gpu_class}", "-g", str(settings.gpus)),
        *("-c", str(settings.cpus), "-m", str(settings.memory)),
        *(("-W", settings.workspace) if settings.workspace else ()),
        *settings.words,
        *("-f", "--", "bash", "-c", pod_script(settings, nonce)),
    ]
    return f"exec {shlex.join(words)}"


def pod_query(pod: str) -> str:
    """Return the command line that prints the pod's state; nothing if there is no such pod."""
    return shlex.join(["kubectl", "get", "pod", pod, "--ignore-not-found", "-o", "json"])


def events_query(pod: str) -> str:
    """Return the command line that prints the pod's events; they are kept after the pod is deleted."""
    of_pod, by_time = f"involvedObject.name={pod}", "--sort-by=.metadata.creationTimestamp"
    return shlex.join(["kubectl", "get", "events", "--field-selector", of_pod, by_time, "-o", "json"])


def name_query(pod: str) -> str:
    """Return the command line that prints the pod's name; nothing if there is no such pod."""
    return shlex.join(["kubectl", "get", "pod", pod, "--ignore-not-found", "-o", "name"])


def delete_command(pod: str) -> str:
    """Return the command line that deletes the pod without waiting for its end."""
    return shlex.join(["kubectl", "delete", "pod", pod, "--ignore-not-found", "--wait=false"])


def interrupt_command(pod: str) -> str:
    """Return the command line that interrupts a launcher which outlived its connection, found by its pod's name."""
    return f"exec {shlex.join(['pkill', '-INT', '-f', '--', pod])}"
