"""Runs one deployed function or app. The server starts this file in the app's own environment.

It is importable and does nothing at import but define; `main` does the rest. Only the standard library is used
until the environment's own modules are asked for.
"""

import argparse
import asyncio
import contextvars
import importlib
import inspect
import json
import os
import sys
import threading
import traceback

labels = contextvars.ContextVar("labels", default={})

LABELS = {b"x-fal-request-id": "fal_request_id", b"x-fal-endpoint": "fal_endpoint"}
# In a question: how many requests are in progress? In the answer: how many.
RUNNING = b"x-fal-requests-running"
running = set()
# A line without an end (a progress bar, a dump) is cut here.
LONGEST_LINE = 32 * 1024


def arguments(argv):
    parser = argparse.ArgumentParser(prog="harness")
    parser.add_argument("--function", help="module:file of the pickled callable")
    parser.add_argument("--entrypoint", help="module:attribute to import and call")
    parser.add_argument("--setup", help="module:file of a callable whose value is the function's first argument")
    parser.add_argument("--result", help="file for the pickled value or exception")
    parser.add_argument("--socket", help="Unix socket to serve on")
    parser.add_argument("--app-port", type=int, default=8080, help="port that the app believes to serve on")
    parser.add_argument("--app-metrics-port", type=int, default=9090)
    return parser.parse_args(argv)


class Lines:
    """A text stream that writes each line as a JSON object with the labels of the request it belongs to."""

    def __init__(self, raw, name):
        self.raw, self.name = raw, name
        self.fd = raw.fileno()
        self.local = threading.local()
        self.renew()
        os.register_at_fork(after_in_child=self.renew)

    def renew(self):
        # Another thread may have held the lock when this process was forked.
        self.lock = threading.Lock()

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError("write() argument must be str, not %s" % type(text).__name__)
        rest = getattr(self.local, "rest", "") + text
        while True:
            line, end, after = rest.partition("\n")
            if not end:
                break
            self.emit(line)
            rest = after
        while len(rest) > LONGEST_LINE:
            self.emit(rest[:LONGEST_LINE])
            rest = rest[LONGEST_LINE:]
        self.local.rest = rest
        return len(text)

    def emit(self, line):
        # A progress bar draws over itself: what it showed last is what counts.
        line = line.rstrip("\r").rpartition("\r")[2]
        record = {"line": line, "stream": self.name, **labels.get()}
        data = json.dumps(record).encode("ascii") + b"\n"
        with self.lock:
            while data:
                data = data[os.write(self.fd, data):]

    def writelines(self, lines):
        for line in lines:
            self.write(line)

    def flush(self):
        pass

    def close_line(self):
        rest, self.local.rest = getattr(self.local, "rest", ""), ""
        if rest:
            self.emit(rest)

    def __getattr__(self, name):
        return getattr(self.raw, name)


def capture_output():
    sys.stdout, sys.stderr = Lines(sys.stdout, "stdout"), Lines(sys.stderr, "stderr")


def serve_on_socket(options):
    """Leads every uvicorn server that wants the app's port to the socket, whoever starts it."""
    if not options.socket:
        return
    try:
        import uvicorn
    except ImportError:
        return  # Nothing here can serve.
    original = uvicorn.Config.__init__
    metrics = os.path.join(os.path.dirname(options.socket), "metrics.sock")
    # What people start by themselves for other purposes keeps its port.
    places = {9090: metrics, options.app_metrics_port: metrics, 8080: options.socket, options.app_port: options.socket}

    def init(self, app, *args, **given):
        place = places.get(given.get("port"))
        if place is not None:
            given["uds"] = place
        original(self, labelled(app) if callable(app) else app, *args, **given)

    uvicorn.Config.__init__ = init


async def tell_running(send):
    count = str(len(running)).encode("ascii")
    await send({"type": "http.response.start", "status": 200, "headers": [(RUNNING, count), (b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


def labelled(app):
    """The app, with the labels of each request on every line that is written for it."""

    async def serve(scope, receive, send):
        token, answer = None, send
        called = scope["type"] in ("http", "websocket")
        if called:
            # A server that takes this runner over asks; no caller's header has this name.
            if scope["type"] == "http" and any(name.lower() == RUNNING for name, _ in scope["headers"]):
                return await tell_running(send)
            # A Unix socket has no peer address; much middleware believes that there always is one.
            if not scope.get("client"):
                scope["client"] = ("127.0.0.1", 0)
            found = ((name.lower(), value) for name, value in scope["headers"])
            token = labels.set({LABELS[name]: value.decode("latin-1") for name, value in found if name in LABELS})
            if scope["type"] == "http" and scope["method"] == "POST" and scope["path"].endswith("/cancel"):
                answer = unlabelled_where_absent(send)
        call = object()
        if called:
            running.add(call)
        try:
            await app(scope, receive, answer)
        except BaseException:
            # The server writes the traceback after this, and it is the request's.
            token = None
            raise
        finally:
            running.discard(call)
            if token is not None:
                labels.reset(token)

    return serve


def unlabelled_where_absent(send):
    """For the platform's word that a request is cancelled: that an app has no ear for it is no news of the request."""

    async def answer(message):
        if message["type"] == "http.response.start" and message["status"] in (404, 405):
            labels.set({})
        await send(message)

    return answer


def tell(stage):
    """How far the start is, for whoever waits for it."""
    line = json.dumps({"stage": stage}).encode("ascii") + b"\n"
    os.write(sys.__stdout__.fileno(), line)


class LoadError(Exception):
    """The payload could not be read, which is another matter than a function that raised."""


def load(spec):
    method, path = spec.split(":", 1)
    try:
        with open(path, "rb") as file:
            return importlib.import_module(method).loads(file.read())
    except BaseException as error:
        raise LoadError("%s: %s" % (type(error).__name__, error)) from error


def resolve(entrypoint):
    module, _, attributes = entrypoint.partition(":")
    found = importlib.import_module(module)
    for name in attributes.split("."):
        found = getattr(found, name)
    return found


def call(options):
    if options.entrypoint:
        # The app's own files are importable, behind what is installed.
        sys.path.append(os.getcwd())
        function = resolve(options.entrypoint)
    else:
        function = load(options.function)
    setup = load(options.setup) if options.setup else None
    # Loading a payload imports what it names; from here on it is the app that takes its time.
    tell("setup")
    value = function(setup()) if setup else function()
    if inspect.isawaitable(value):

        async def wait():
            # An event loop that is left by force writes tracebacks of its own.
            try:
                return await value, None
            except SystemExit as error:
                return None, error

        value, left = asyncio.run(wait())
        if left is not None:
            raise left
    return value


def describe(error):
    return {"type": type(error).__name__, "message": str(error), "traceback": traceback.format_exc()}


def rebuild(error, kind, args, state, cause, suppressed):
    if kind is not None:
        error = kind.__new__(kind, *args)
        error.args = args
        error.__dict__.update(state)
    error.__cause__, error.__suppress_context__ = cause, suppressed
    return error


class Chained:
    """An exception as it is: with its cause, and without a second call of `__init__`, which may want other arguments
    than those that it handed to its base. Neither comes with pickling an exception by itself."""

    def __init__(self, error):
        self.error = error

    def __reduce__(self):
        error, kind = self.error, type(self.error)
        cause, suppressed = error.__cause__, error.__suppress_context__
        # Two exceptions may name each other.
        error.__cause__ = None
        chained = None if cause is None else Chained(cause)
        # Who says how it is pickled knows best.
        if kind.__reduce__ is BaseException.__reduce__ and kind.__init__ is not BaseException.__init__:
            return rebuild, (None, kind, error.args, dict(error.__dict__), chained, suppressed)
        return rebuild, (error, None, (), {}, chained, suppressed)


def dump(method, value, raised):
    module = importlib.import_module(method)
    # Only this module writes functions by value, so that the other side need not have this file.
    if raised and method == "cloudpickle":
        if __name__ != "__main__":
            module.register_pickle_by_value(sys.modules[__name__])
        try:
            return module.dumps(Chained(value))
        except Exception:
            pass
    return module.dumps(value)


def write_result(options, value, raised, info):
    method = "pickle" if options.entrypoint else options.function.split(":", 1)[0]
    try:
        data = dump(method, value, raised)
    except BaseException as error:
        # There must always be something to unpickle: an empty payload reads as success without a value.
        if not raised:
            raised, info = True, describe(error)
        data = dump(method, RuntimeError("%(type)s: %(message)s" % info), False)
    with open(options.result, "wb") as file:
        file.write(data)
    with open(options.result + ".json", "w") as file:
        json.dump({"method": method, "raised": raised, **info}, file)


def main(argv):
    options = arguments(argv)
    # The app refuses to be made without it.
    os.environ["IS_ISOLATE_AGENT"] = "1"
    capture_output()
    value, raised, info = None, False, {}
    try:
        tell("import")
        serve_on_socket(options)
        value = call(options)
    except BaseException as error:
        value, raised, info = error, True, describe(error)
        if isinstance(error, LoadError):
            info["load"] = True
            sys.stderr.write("the function could not be deserialized: %s\n" % error)
        # A server that gave up has said why.
        elif not isinstance(error, SystemExit):
            sys.stderr.write(info["traceback"])
    if options.result:
        write_result(options, value, raised, info)
    sys.stdout.close_line()
    sys.stderr.close_line()
    if raised and isinstance(value, SystemExit) and (value.code is None or isinstance(value.code, int)):
        return value.code or 0
    return 1 if raised else 0


if __name__ == "__main__":
    # The folder of this file is no place for modules of the app.
    if sys.path and os.path.abspath(sys.path[0]) == os.path.dirname(os.path.abspath(__file__)):
        del sys.path[0]
    code = main(sys.argv[1:])
    # Threads of the app that never end must not keep a finished process.
    sys.stdout.flush()
    sys.stderr.flush()
    sys.exit(code)
