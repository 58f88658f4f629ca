"""Keeps WINDOW tasks under way for SECONDS and says how many finished: celery_load.py WINDOW SECONDS"""

import json
import statistics
import sys
import time
from collections import deque

from celery_noop import echo

window, seconds = int(sys.argv[1]), float(sys.argv[2])
body = {"prompt": "x" * 1000}
echo.delay(body).get(timeout=30)
under_way: deque = deque()
latencies = []
began = time.monotonic()
while time.monotonic() < began + seconds:
    while len(under_way) < window:
        under_way.append((time.monotonic(), echo.delay(body)))
    submitted, result = under_way.popleft()
    result.get(timeout=30)
    latencies.append(time.monotonic() - submitted)
took = time.monotonic() - began
print(json.dumps({"per_second": len(latencies) / took, "p50_ms": statistics.median(latencies) * 1000}))
