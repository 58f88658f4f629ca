"""A network of its own for one test, in which the fal names are this machine: ways P3 and J5.

Needs the right to make namespaces (root, or an unprivileged user namespace).
"""

from __future__ import annotations

import subprocess
from pathlib import Path

FAL_NAMES = (
    "fal.run queue.fal.run ws.fal.run rest.fal.ai rest.alpha.fal.ai api.fal.ai "
    "v3.fal.media v3b.fal.media fal.media falrun.com queue.falrun.com"
)
ENTER = ("unshare", "--net", "--mount", "--propagation", "private")


def available() -> bool:
    try:
        return subprocess.run([*ENTER, "ip", "link", "set", "lo", "up"], capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


def script(folder: Path, serve: str, program: str) -> list[str]:
    """A command that starts `serve` on port 443 of a fresh network and runs `program` beside it."""
    hosts = folder / "hosts"
    hosts.write_text(f"127.0.0.1 localhost {FAL_NAMES}\n")
    announcement = folder / "data" / "run" / "server.json"
    lines = f"""
        set -e
        ip link set lo up
        mount --bind {hosts} /etc/hosts
        {serve} --data {folder}/data --listen 127.0.0.1:443 --diagnostics >{folder}/log 2>&1 &
        server=$!
        trap 'kill -INT $server; wait $server' EXIT
        for i in $(seq 600); do [ -e {announcement} ] && break; sleep 0.05; done
        {program}
    """
    return [*ENTER, "sh", "-c", lines]
