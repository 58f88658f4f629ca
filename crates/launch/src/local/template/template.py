"""Becomes a runner of a command that is not known yet.

The launcher starts this file ahead of need, inside the walls that the runner will have. It imports what runners of
the environment import, says so, and waits. What then arrives is a command line for the same interpreter: from there
on this process is that script, as if it had been started with it. Nothing is forked, so threads, locks and handles
of imported modules stay whole. Without an order it ends.
"""

import gc
import importlib
import importlib.util
import json
import os
import socket
import sys
import time


def bring_in(names):
    """Imports what is installed; what is missing or broken is the business of whoever really needs it."""
    report = {"imported": 0, "missing": [], "failed": {}}
    for name in names:
        if name.partition(".")[0] not in sys.modules and not installed(name.partition(".")[0]):
            report["missing"].append(name)
            continue
        try:
            importlib.import_module(name)
            report["imported"] += 1
        except ModuleNotFoundError as error:
            report["missing"].append(error.name or name)
        except Exception as error:
            report["failed"][name] = "%s: %s" % (type(error).__name__, error)
    return report


def installed(package):
    try:
        return importlib.util.find_spec(package) is not None
    except (ImportError, ValueError):
        return False


def resident_bytes():
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def read_script(path):
    with open(path, "rb") as file:
        return compile(file.read(), path, "exec", dont_inherit=True)


def wait_for_order(control):
    with control.makefile("rb") as lines:
        line = lines.readline()
    # The other end is gone: so is the need.
    return json.loads(line) if line.endswith(b"\n") else None


def put_on(order):
    """What a process has by birth: its variables, folder and arguments."""
    os.environ.clear()
    os.environ.update(order["env"])
    time.tzset()
    os.chdir(order["workdir"])
    sys.argv = order["args"]
    sys.path[0] = os.path.dirname(os.path.abspath(order["args"][0]))


def main(number, script, names):
    control = socket.socket(fileno=number)
    # What runs later must find no way back to the launcher, not even in a process that it starts.
    control.set_inheritable(False)
    began = time.monotonic()
    report = bring_in(names)
    code = read_script(script)
    gc.collect()
    # What is here stays: later collections need not look at it.
    gc.freeze()
    report.update(seconds=time.monotonic() - began, resident_bytes=resident_bytes())
    control.sendall(json.dumps(report).encode() + b"\n")
    order = wait_for_order(control)
    control.close()
    if order is None:
        return None
    put_on(order)
    return code


def become(code):
    """The script takes the place of this file under the name that pickles know it by."""
    place = type(sys)("__main__")
    place.__file__ = sys.argv[0]
    place.__builtins__ = __builtins__
    sys.modules["__main__"] = place
    exec(code, place.__dict__)


if __name__ == "__main__":
    # The folder of this file is no place for modules.
    sys.path[0] = ""
    del sys.path[0]
    sys.path.insert(0, os.path.dirname(os.path.abspath(sys.argv[2])))
    taken = main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
    if taken is not None:
        become(taken)
