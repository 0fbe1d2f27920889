"""What is run on the login node, and by it in the pod: command lines, all values quoted.

The pod's script proves what it did by marks, each on a line of its own: `<<KIND:nonce:value>>`. They are put together
where they are printed, so that a command line which is echoed holds none.
"""

import math
import shlex

from ci.gpu_gate.ports import Timing
from ci.stack.gpu_config import GpuSettings

# Fetching the image counts in the pod's own limit, which makes a forgotten pod end by itself.
_FETCHING = 900
# Home is a network folder that outlives pods: nothing of it may stand before what the image brings, so the tests run
# in an empty folder, and without packages that somebody installed into the account.
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
    """Return the bash script that runs in the pod."""
    return (
        _SCRIPT.replace("NONCE", nonce)
        .replace("LIMIT", str(math.ceil(settings.run_limit)))
        .replace("TESTS", shlex.quote(settings.tests))
    )


def launch_line(settings: GpuSettings, reference: str, pod: str, nonce: str, pace: Timing) -> str:
    """Return the line that launches the pod and waits for it, bounded by itself.

    `exec`, so that the shell is not left between the connection and what is to be interrupted.
    """
    whole = settings.queue_limit + settings.run_limit + 2 * pace.spare
    words = [
        *("env", f"K8S_TIMEOUT_SECONDS={math.ceil(settings.run_limit + _FETCHING)}"),
        *("timeout", "-s", "INT", "-k", "60", str(math.ceil(whole))),
        settings.launch,
        *("-i", reference, "-N", pod),
        *("-l", f"gpu-class={settings.gpu_class}", "-g", str(settings.gpus)),
        *("-c", str(settings.cpus), "-m", str(settings.memory)),
        *(("-W", settings.workspace) if settings.workspace else ()),
        *settings.words,
        *("-f", "--", "bash", "-c", pod_script(settings, nonce)),
    ]
    return f"exec {shlex.join(words)}"


def pod_question(pod: str) -> str:
    """Return the line that asks for the pod's state."""
    return shlex.join(["kubectl", "get", "pod", pod, "--ignore-not-found", "-o", "json"])


def events_question(pod: str) -> str:
    """Return the line that asks what happened to the pod; answered even when it is deleted."""
    of_pod, by_time = f"involvedObject.name={pod}", "--sort-by=.metadata.creationTimestamp"
    return shlex.join(["kubectl", "get", "events", "--field-selector", of_pod, by_time, "-o", "json"])


def name_question(pod: str) -> str:
    """Return the line that asks for the pod's name; the answer is empty when there is none."""
    return shlex.join(["kubectl", "get", "pod", pod, "--ignore-not-found", "-o", "name"])


def delete_line(pod: str) -> str:
    """Return the line that has the pod deleted and does not wait for it."""
    return shlex.join(["kubectl", "delete", "pod", pod, "--ignore-not-found", "--wait=false"])


def interrupt_line(pod: str) -> str:
    """Return the line that interrupts a launcher which outlived its connection, known by its pod's name."""
    return f"exec {shlex.join(['pkill', '-INT', '-f', '--', pod])}"
