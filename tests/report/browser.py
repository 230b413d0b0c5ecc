"""Opens pages in headless Chromium, light and dark, on a phone's and on a desk's width, and says what is wrong.

    python3 browser.py CHROMIUM AXE_MIN_JS PAGE...

Wrong are: an error or a warning on the console, a script, a request for another file, an id that is there twice,
a page wider than the window, dark text on dark paper, and what axe-core finds serious or critical. Speaks with Chromium
over two pipes, in its DevTools protocol; needs the standard library alone. LAYERWISE_SCREENSHOTS names a folder for
pictures of the pages, and for what they print (PDF).
"""

import base64
import json
import os
import pathlib
import subprocess
import sys
import tempfile

FACTS = """(() => {
  const brightness = (color) => color.match(/[0-9.]+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0) / 765;
  const style = getComputedStyle(document.body);
  const ids = [...document.querySelectorAll('[id]')].map((element) => element.id);
  return {
    width: document.documentElement.scrollWidth,
    scripts: document.querySelectorAll('script').length,
    images: document.querySelectorAll('img').length,
    drawings: document.querySelectorAll('svg[role=img][aria-label]').length,
    repeated: ids.filter((id, place) => ids.indexOf(id) !== place),
    paper: brightness(style.backgroundColor),
    ink: brightness(style.color),
  };
})()"""


class Browser:
    """One Chromium with one page."""

    def __init__(self, chromium, profile):
        from_us, to_browser = os.pipe()
        from_browser, to_us = os.pipe()
        command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                   f"--user-data-dir={profile}", "--no-first-run", "--remote-debugging-pipe", "about:blank"]
        redirected = ["bash", "-c", f'exec "$@" 3<&{from_us} 4>&{to_us}', "bash"]
        self.process = subprocess.Popen(redirected + command, pass_fds=(from_us, to_us), stderr=subprocess.DEVNULL)
        os.close(from_us)
        os.close(to_us)
        self.sender = os.fdopen(to_browser, "wb")
        self.receiver = os.fdopen(from_browser, "rb")
        self.buffer = b""
        self.calls = 0
        self.session = None
        self.events = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(domain + ".enable")

    def receive(self):
        while b"\0" not in self.buffer:
            part = os.read(self.receiver.fileno(), 1 << 20)
            if not part:
                raise RuntimeError("chromium has ended")
            self.buffer += part
        message, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(message)

    def call(self, method, **parameters):
        self.calls += 1
        request = {"id": self.calls, "method": method, "params": parameters}
        if self.session:
            request["sessionId"] = self.session
        self.sender.write(json.dumps(request).encode() + b"\0")
        self.sender.flush()
        while True:
            message = self.receive()
            if message.get("id") == self.calls:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]
            self.events.append(message)

    def open(self, url):
        """Opens a page and returns what happened until it was loaded."""
        self.events.clear()
        self.call("Page.navigate", url=url)
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.events.append(self.receive())
        return list(self.events)

    def value_of(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"])
        return result["result"].get("value")

    def close(self):
        self.session = None
        self.call("Browser.close")
        self.process.wait(timeout=20)


def faults_in_events(events, url):
    for event in events:
        method, parameters = event["method"], event.get("params", {})
        if method == "Runtime.exceptionThrown":
            yield f"exception: {parameters['exceptionDetails']['text']}"
        elif method == "Runtime.consoleAPICalled" or method == "Log.entryAdded":
            yield f"console: {json.dumps(parameters)[:300]}"
        elif method == "Network.requestWillBeSent":
            asked = parameters["request"]["url"]
            if asked != url and not asked.startswith("data:"):  # which are inside the page
                yield f"asks for {asked[:200]}"


def faults_in_page(browser, width, dark):
    facts = browser.value_of(FACTS)
    if facts["width"] > width:
        yield f"is {facts['width']} pixels wide"
    if facts["scripts"] or facts["images"]:
        yield f"has {facts['scripts']} scripts and {facts['images']} images"
    if facts["repeated"]:
        yield f"has ids twice: {facts['repeated'][:5]}"
    if (facts["paper"] < facts["ink"]) != dark:
        yield f"has paper of brightness {facts['paper']:.2f} and ink of {facts['ink']:.2f}"


def faults_for_axe(browser, axe):
    browser.value_of(axe)
    found = browser.value_of("axe.run(document, {resultTypes: ['violations']}).then((result) => result.violations)")
    for violation in found:
        if violation["impact"] in ("serious", "critical"):
            yield f"{violation['impact']}: {violation['help']}: {violation['nodes'][0]['html'][:200]}"


def keep_pictures(browser, folder, name):
    picture = browser.call("Page.captureScreenshot", captureBeyondViewport=True)["data"]
    (folder / f"{name}.png").write_bytes(base64.b64decode(picture))


def keep_print(browser, folder, name):
    pdf = browser.call("Page.printToPDF", preferCSSPageSize=True)["data"]
    (folder / f"{name}.pdf").write_bytes(base64.b64decode(pdf))


def main():
    chromium, axe_path, *pages = sys.argv[1:]
    axe = pathlib.Path(axe_path).read_text()
    pictures = os.environ.get("LAYERWISE_SCREENSHOTS")
    pictures = pathlib.Path(pictures) if pictures else None
    wrong = 0
    with tempfile.TemporaryDirectory() as profile:
        browser = Browser(chromium, profile)
        for page in pages:
            path = pathlib.Path(page).resolve()
            name = f"{path.parent.name}-{path.stem}"
            for width in (360, 1400):
                for scheme in ("light", "dark"):
                    browser.call("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1,
                                 mobile=width < 500)
                    browser.call("Emulation.setEmulatedMedia",
                                 features=[{"name": "prefers-color-scheme", "value": scheme}])
                    events = browser.open(path.as_uri())
                    faults = [*faults_in_events(events, path.as_uri()),
                              *faults_in_page(browser, width, scheme == "dark")]
                    if (width, scheme) in ((360, "light"), (1400, "dark")):  # each width and each scheme, once
                        faults += faults_for_axe(browser, axe)
                    for fault in faults:
                        print(f"{page}, {width} pixels, {scheme}: {fault}")
                    wrong += len(faults)
                    if pictures:
                        keep_pictures(browser, pictures, f"{name}-{width}-{scheme}")
            if pictures:
                keep_print(browser, pictures, name)
        browser.close()
    print(f"{len(pages)} pages, {wrong} faults")
    sys.exit(1 if wrong else 0)


main()
