"""Spawns the app in the file that it is given, waits for its health and calls it, as an app's own tests do."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(sys.argv[1]).parent))

from fal.app import AppClient  # noqa: E402
from sleeper import Seconds, Sleeper  # noqa: E402

with AppClient.connect(Sleeper) as client:
    print(f"healthy {client.health()}")
    # In one piece: the app's log lines are printed by another thread.
    print(f"answered {client.sleep(Seconds(seconds=0))}")
