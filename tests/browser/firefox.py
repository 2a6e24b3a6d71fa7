"""A real Firefox, driven by WebDriver BiDi, which it speaks itself: no driver is needed.

Playwright drives only a Firefox that it has built itself. https://w3c.github.io/webdriver-bidi/
"""

import json
import re
import shutil
import subprocess
from pathlib import Path

import websocket

NAMES = ("firefox", "firefox-esr")
SECONDS = 60  # that Firefox may take to answer


def find_firefox() -> str | None:
    return next(filter(None, map(shutil.which, NAMES)), None)


class Firefox:
    """One window of a headless Firefox with a profile of its own; `complaints` holds its errors."""

    def __init__(self, program: str, profile: Path):
        self.process = subprocess.Popen(
            [program, "--headless", "--remote-debugging-port=0", "--profile", str(profile)],
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        self.complaints: list[str] = []
        self._sent = 0
        for line in self.process.stderr:
            if found := re.search(r"BiDi listening on (ws://\S+)", line):
                break
        else:
            raise RuntimeError("Firefox ended before it listened")
        # Firefox refuses a page's origin, and this is none
        self._socket = websocket.create_connection(
            f"{found[1]}/session", timeout=SECONDS, suppress_origin=True
        )
        self._call("session.new", capabilities={})
        self._call("session.subscribe", events=["log.entryAdded"])
        (context,) = self._call("browsingContext.getTree")["contexts"]
        self._context = context["context"]

    def _call(self, method: str, **params: object) -> dict:
        self._sent += 1
        self._socket.send(json.dumps({"id": self._sent, "method": method, "params": params}))
        while (answer := json.loads(self._socket.recv())).get("id") != self._sent:
            entry = answer.get("params", {})
            if answer.get("method") == "log.entryAdded" and entry["level"] in ("error", "warn"):
                self.complaints.append(entry["text"])
        if answer["type"] == "error":
            raise RuntimeError(f"{method}: {answer['message']}")
        return answer["result"]

    def open(self, path: Path) -> None:
        """Open a file and wait until it has loaded."""
        wanted = {"context": self._context, "url": path.as_uri(), "wait": "complete"}
        self._call("browsingContext.navigate", **wanted)

    def evaluate(self, expression: str) -> object:
        """The value of an expression, a promise's once it is kept; lists and objects as JSON."""
        target = {"context": self._context}
        text = f"Promise.resolve({expression}).then(JSON.stringify)"
        answer = self._call("script.evaluate", expression=text, target=target, awaitPromise=True)
        if answer["type"] == "exception":
            raise RuntimeError(answer["exceptionDetails"]["text"])
        return json.loads(answer["result"].get("value", "null"))

    def press(self, *keys: str) -> None:
        """Press keys, given as WebDriver's characters, in the element in focus, and release them.

        A headless window is never in front, and there Firefox lets no key activate a button.
        """
        order = [("keyDown", key) for key in keys] + [("keyUp", key) for key in reversed(keys)]
        actions = [{"type": kind, "value": key} for kind, key in order]
        source = {"type": "key", "id": "keyboard", "actions": actions}
        self._call("input.performActions", context=self._context, actions=[source])

    def close(self) -> None:
        self._socket.close()
        self.process.terminate()
        self.process.wait(SECONDS)
        self.process.stderr.close()
