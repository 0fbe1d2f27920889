"""Chromium without a network, and what it says of a page."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium import webdriver

from tests.programs import Chromium, free_port

_OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)

# Every visible text with its colour and what is behind it, colours laid over each other as they are drawn.
_CONTRASTS = """
const parse = text => {
  const numbers = text.match(/[\\d.]+/g).map(Number);
  return [numbers[0], numbers[1], numbers[2], numbers.length > 3 ? numbers[3] : 1];
};
const over = (top, below) => [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
const light = color => {
  const linear = c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const [r, g, b] = color.slice(0, 3).map(c => linear(c / 255));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const behind = element => {
  const layers = [];
  for (let one = element; one; one = one.parentElement) layers.push(parse(getComputedStyle(one).backgroundColor));
  return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 1]);
};
const found = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue;
  const back = behind(element);
  const front = over(parse(getComputedStyle(element).color), back);
  const [a, b] = [light(front), light(back)].sort((x, y) => y - x);
  const size = parseFloat(getComputedStyle(element).fontSize);
  found.push([walker.currentNode.data.trim().slice(0, 60), (a + 0.05) / (b + 0.05), size]);
}
return found;
"""
_BARS = """
return [...document.querySelectorAll('[data-of]')].map(bar => {
  const [own, all] = [bar.getBoundingClientRect(), bar.closest('.track').getBoundingClientRect()];
  return [bar.dataset.of, (own.left - all.left) / all.width, own.width / all.width];
});
"""
_PAINTED = """
return new Promise(done => new PerformanceObserver(list => {
  for (const entry of list.getEntries()) if (entry.name === 'first-contentful-paint') done(entry.startTime / 1000);
}).observe({type: 'paint', buffered: true}));
"""


class Browser:
    """A headless Chromium."""

    def __init__(self, chrome: webdriver.Chrome) -> None:
        self.chrome = chrome

    def open(self, page: Path, width: int = 1400, *, scheme: str = "light", scripts: bool = True) -> None:
        """Open a page from the disk, with every `<details>` of it open, and forget what was logged before."""
        phone = width < 600
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": phone}
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        self._command("Emulation.setDeviceMetricsOverride", **size)
        self._command("Emulation.setEmulatedMedia", **media)
        self._command("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.chrome.get("about:blank")
        for log in ("browser", "performance"):
            self._log(log)
        self.chrome.get(page.as_uri())
        self.run("for (const one of document.querySelectorAll('details')) one.open = true")

    def run(self, script: str) -> Any:  # noqa: ANN401 (what a script returns)
        """Return what a script returns."""
        return self.chrome.execute_script(script)

    def messages(self) -> Sequence[str]:
        """Return what is on the console."""
        return [entry["message"] for entry in self._log("browser")]

    def requests(self) -> Sequence[str]:
        """Return the addresses of all requests but pictures that are part of the page."""
        events = [json.loads(entry["message"])["message"] for entry in self._log("performance")]
        sent = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
        return [address for address in sent if not address.startswith(("data:", "about:"))]

    def texts(self) -> Sequence[tuple[str, float, float]]:
        """Return each visible text, its contrast, and the size of its letters in pixels."""
        return [(text, contrast, size) for text, contrast, size in self.run(_CONTRASTS)]

    def bars(self) -> Sequence[tuple[str, float, float]]:
        """Return the bars of the timeline: what each is of, its left edge and its width as shares of the row."""
        return [(of, left, width) for of, left, width in self.run(_BARS)]

    def painted(self) -> float:
        """Wait until something is painted, and return when that was: in seconds from when the page was opened."""
        return float(self.run(_PAINTED))

    def picture(self) -> bytes:
        """Return a picture of the part of the page that is seen first, as base64 of a PNG."""
        return str(self.chrome.get_screenshot_as_base64()).encode()

    def _log(self, name: str) -> Sequence[dict[str, str]]:
        """Return what a log has got since it was read last."""
        entries: Sequence[dict[str, str]] = self.chrome.get_log(name)  # type: ignore[no-untyped-call]  # Selenium's
        return entries

    def _command(self, command: str, **arguments: object) -> None:
        self.chrome.execute_cdp_cmd(command, arguments)


@contextmanager
def opened(chromium: Chromium) -> Iterator[Browser]:
    """Start Chromium. Its proxy is a port on which nothing listens."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(chromium.program)
    for option in (*_OPTIONS, f"--proxy-server=http://127.0.0.1:{free_port()}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.ChromeService(str(chromium.driver), env=dict(chromium.environment))
    chrome = webdriver.Chrome(options=options, service=service)
    try:
        yield Browser(chrome)
    finally:
        chrome.quit()
