"""Calls Resolve's API for another program: one JSON object per line in, one per line out.

Runs inside Resolve (a menu script calls `serve` with Resolve's own object), or as a program of its own that attaches
to a running Resolve. Standard library only, syntax of Python 3.6: the user's Resolve decides which Python runs it.

Requests            {"id": 1, "call": [HANDLE, "GetName", [ARGUMENT, ...]]}
                    {"id": 2, "value": [HANDLE, "EXPORT_OTIO"]}     an attribute, such as a constant
                    {"id": 3, "names": HANDLE}                      the names of the object's methods
                    {"id": 4, "form": FORM}                         the user's answers, null if cancelled
Answers             {"id": 1, "value": VALUE} or {"id": 1, "error": {"kind": "TypeError", "text": "..."}}
First line out      {"hello": {"protocol": 1, "python": "3.14.4", "root": HANDLE or null, "error": "..."}}
A line {"show": "text", "as": "info"} is a message for the user, and has no answer.

An object of Resolve's is sent as {"ref": HANDLE}, a dictionary as {"map": [[KEY, VALUE], ...]} since its keys may be
numbers, anything else as plain JSON.
"""

import json
import os
import platform
import sys

PROTOCOL = 1


class Unsupported(Exception):
    """No form can be shown from here."""


class Bridge:
    """Holds Resolve's objects by number, and calls them. ask: shows a form, returns the answers or None."""

    def __init__(self, root, ask=None):
        self._ask = ask
        self._objects = {0: root}
        self._next = 1

    def answer(self, request):
        """Return the answer to a request; an exception of the API becomes an error in it."""
        number = request.get("id")
        try:
            return {"id": number, "value": self._encode(self._do(request))}
        except Exception as error:  # the client decides what it means; the bridge has to go on
            return {"id": number, "error": {"kind": type(error).__name__, "text": str(error)}}

    def _do(self, request):
        if "call" in request:
            handle, method, arguments = request["call"]
            return getattr(self._objects[handle], method)(*[self._decode(each) for each in arguments])
        if "value" in request:
            handle, name = request["value"]
            return getattr(self._objects[handle], name)
        if "names" in request:
            # dir() is right; hasattr() is always true for an object of Resolve's.
            return [str(name) for name in dir(self._objects[request["names"]])]
        if "form" in request:
            if self._ask is None:
                raise Unsupported("no form can be shown from here")
            return self._ask(request["form"])
        raise ValueError("no such request")

    def _encode(self, value):
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        if isinstance(value, (list, tuple)):
            return [self._encode(each) for each in value]
        if isinstance(value, dict):
            return {"map": [[self._encode(key), self._encode(each)] for key, each in value.items()]}
        handle = self._next
        self._next += 1
        self._objects[handle] = value
        return {"ref": handle}

    def _decode(self, value):
        if isinstance(value, list):
            return [self._decode(each) for each in value]
        if isinstance(value, dict):
            if "ref" in value:
                return self._objects[value["ref"]]
            return dict((self._decode(key), self._decode(each)) for key, each in value["map"])
        return value


def serve(root, requests, answers, show=None, error="", ask=None):
    """Answer requests (a binary stream of lines) until they end. root: Resolve's object, or None.

    show: shows the user a message. ask: shows a form, returns the answers, or None if cancelled.
    """
    bridge = Bridge(root, ask)
    hello = {"protocol": PROTOCOL, "python": platform.python_version(), "root": None if root is None else 0}
    _write(answers, {"hello": dict(hello, error=error)})
    while True:
        line = requests.readline()
        if not line:
            return
        message = json.loads(line.decode("utf-8"))
        if "show" in message:
            if show is not None:
                show(message["show"], message.get("as", "info"))
        else:
            _write(answers, bridge.answer(message))


def _write(stream, message):
    stream.write(json.dumps(message).encode("utf-8") + b"\n")
    stream.flush()


def attach():
    """Return the object of the running Resolve, or None; raises what its module raises."""
    modules = os.path.join(os.environ.get("RESOLVE_SCRIPT_API", ""), "Modules")
    if os.path.isdir(modules):
        sys.path.append(modules)
    import DaVinciResolveScript

    return DaVinciResolveScript.scriptapp("Resolve")


def main():
    """Attach to Resolve, and serve on standard input and output."""
    # Output of Resolve's library must not mix with our lines.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    root, error = None, ""
    try:
        root = attach()
    except BaseException as problem:  # the import of a foreign module may even call exit
        error = "%s: %s" % (type(problem).__name__, problem)
    serve(root, sys.stdin.buffer, answers, error=error)


if __name__ == "__main__":
    main()
