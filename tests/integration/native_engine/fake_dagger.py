"""In the place of `dagger` for `native_engine/fleet`: engines and calls of which a folder says how they end.

Engines are known by the host of their address, `kube-pod://a`. FAKE_DAGGER is the folder: `calls` has a line for each
call; `shares.json` is what `divide` makes; `lost` has lines `SHARE HOST`, and such a call ends without a report;
`dead`, `silent` and `other-version` have hosts; calls wait while there is a file `wait`.
"""

import json
import os
import secrets
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import urlsplit

FOLDER = Path(os.environ["FAKE_DAGGER"])
HOST = urlsplit(os.environ["_EXPERIMENTAL_DAGGER_RUNNER_HOST"]).hostname or ""


def lines(name: str) -> list[str]:
    file = FOLDER / name
    return file.read_text().splitlines() if file.exists() else []


def session() -> int:
    if HOST in lines("dead"):
        sys.stderr.write("Error: start engine: connection refused [traceparent:0-1-2]\n")
        return 1
    if HOST in lines("silent"):
        (FOLDER / "connecting").touch()
        time.sleep(300)
    client = FOLDER / "clients" / HOST / secrets.token_hex(8)
    client.parent.mkdir(parents=True, exist_ok=True)
    client.touch()
    version = "v0.1.0" if HOST in lines("other-version") else "v0.21.8"

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            clients = [path.name for path in client.parent.iterdir()]
            content = json.dumps({"data": {"version": version, "engine": {"clients": clients}}}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_words: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(json.dumps({"port": server.server_port, "session_token": "t"}) + "\n")
    sys.stdout.flush()
    sys.stdin.read()
    client.unlink()
    return 0


def call(words: list[str]) -> int:
    function = next(word for word in words if word in {"divide", "build-share", "gather"})
    share = words[words.index("--share") + 1] if "--share" in words else ""
    with (FOLDER / "calls").open("a") as calls:
        calls.write(f"{function} {share} {HOST}\n".replace("  ", " "))
    interrupts: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _frame: interrupts.append(number))
    while (FOLDER / "wait").exists() and not interrupts:
        time.sleep(0.02)
    if interrupts:
        time.sleep(0.2)  # as long as a second one has to come
        sys.stderr.write("interrupted\n" * len(interrupts))
        return 2
    if f"{share or function} {HOST}" in lines("lost"):
        sys.stderr.write("\x1b[31mError:\x1b[0m the call failed\n")
        return 1
    target = Path(words[words.index("-o") + 1])
    target.mkdir(parents=True, exist_ok=True)
    match function:
        case "divide":
            (target / "shares.json").write_text((FOLDER / "shares.json").read_text())
        case "build-share":
            (target / "report.json").write_text(json.dumps({"images": [{"outcome": "built"}]}))
        case _:
            (target / "summary.txt").write_text("the table\n")
            (target / "exit-code").write_text("".join(lines("exit-code")) or "0")
    return 0


sys.exit(session() if sys.argv[1] == "session" else call(sys.argv[1:]))
