"""A stack in which each image has one faulty test, or is faulty itself."""

BASE = """\
FROM debian:bookworm-slim
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends python3 && useradd --create-home jo
USER jo
WORKDIR /home/jo
"""
SERVER = "FROM base\nEXPOSE 8000\nCMD {}\n"

# The tests of each image; those named `…-server` run beside it.
TESTS = {
    "fails": "def test_it():\n    assert 1 == 2, 'one is not two'\n\ndef test_other():\n    pass\n",
    "uncollected": "import no_such_module\n\ndef test_it():\n    pass\n",
    "empty": "def helper():\n    pass\n",
    "skipped": "import pytest\n\n@pytest.mark.skip(reason='not today')\ndef test_it():\n    pass\n",
    "exits": "import os\n\ndef test_first():\n    pass\n\ndef test_it():\n    os._exit(0)\n",
    "crashes": "import os\n\ndef test_it():\n    os.kill(os.getpid(), 11)\n",
    "killed": "import os\n\ndef test_it():\n    os.kill(os.getpid(), 9)\n",
    "memory": (
        "import resource\n\ndef test_it():\n    resource.setrlimit(resource.RLIMIT_AS, (300_000_000, 300_000_000))\n"
        "    bytearray(400_000_000)\n"
    ),
    "hangs": "import time\n\ndef test_first():\n    pass\n\ndef test_it():\n    time.sleep(600)\n",
    "loud": (
        "def test_it():\n    for _ in range(100):\n        print('x' * 1_000_000)\n    assert False, 'after 100 MB'\n"
    ),
    "bytes": (
        "import sys\n\ndef test_it(capfd):\n    with capfd.disabled():\n"
        "        sys.stdout.buffer.write(b'\\xff\\xfe\\n')\n        sys.stdout.buffer.flush()\n"
        "    assert False, '\\udcff'\n"
    ),
    "flaky": "import os\n\ndef test_it():\n    assert 'again' in os.environ['SUITE'], 'the first time'\n",
    "silent-server": "def test_it(server):\n    pass\n",
    "dying-server": (
        "import time\nimport requests\n\ndef test_it(server):\n    for _ in range(50):\n"
        "        requests.get(server.url, timeout=2)\n        time.sleep(0.2)\n"
    ),
    "parent": "import os\n\ndef test_it():\n    assert not os.path.exists('/child'), 'only on the child'\n",
}
DYING = (
    '["python3", "-c", "import http.server, os, threading; '
    'threading.Timer(4, os._exit, [3]).start(); http.server.test(port=8000)"]'
)

FILES = {
    "images/stack.toml": "[tests]\nlimit = 15\ntest-limit = 60\n",
    "images/base/Dockerfile": BASE,
    **{f"images/{name}/Dockerfile": "FROM base\n" for name in TESTS},
    **{
        f"images/{name}/tests/{'server' if name.endswith('-server') else 'image'}/test_fault.py": text
        for name, text in TESTS.items()
    },
    "images/silent-server/Dockerfile": SERVER.format('["sleep", "1000"]'),
    "images/dying-server/Dockerfile": SERVER.format(DYING),
    "images/child/Dockerfile": "FROM parent\nUSER root\nRUN touch /child\nUSER jo\n",
    "images/no-python/Dockerfile": "FROM debian:bookworm-slim\n",
    "images/no-python/tests/image/test_fault.py": "def test_it():\n    pass\n",
}
