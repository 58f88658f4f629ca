"""Two small images made of this machine's own Python: no registry is asked."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

PYTHON = "localhost/tintype-test/python:latest"
SERVER = "localhost/tintype-test/server:latest"
PREFIX = Path(sys.base_prefix)
MINOR = f"python{sys.version_info[0]}.{sys.version_info[1]}"
BINARY = PREFIX / "bin" / MINOR
TOOLS = ("sh", "cat", "cp", "echo", "env", "ls", "mkdir", "rm", "sleep", "true", "uname", "ldd", "bash", "id", "chmod")
# The defaults of Debian's package do not suit every host; these only make images.
PODMAN = ("podman", "--cgroup-manager=cgroupfs", *(("--runtime", "runc") if shutil.which("runc") else ()))
LEFT_OUT = ("site-packages", "test", "__pycache__", "idlelib", "tkinter", "lib2to3")
ROOT_FILES = ("/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/etc/ssl/certs/ca-certificates.crt")


def libraries(programs: list[Path]) -> set[Path]:
    """What these programs are linked to."""
    listed = subprocess.run(["ldd", *map(str, programs)], capture_output=True, text=True).stdout
    return {Path(word) for word in listed.split() if word.startswith("/") and not word.endswith(":")}


def contents() -> list[Path]:
    tools = [path for name in TOOLS if (path := Path("/usr/bin", name)).exists()]
    modules = list((PREFIX / "lib" / MINOR / "lib-dynload").glob("*.so"))
    pip = list((PREFIX / "lib" / MINOR / "site-packages").glob("pip*"))
    # Name services are loaded by name, so that nothing is linked to them.
    libs = Path("/usr/lib/x86_64-linux-gnu")
    services = list(libs.glob("libnss_*.so.2"))
    # Compiled packages are installed later, and stand on these.
    names = ("libgcc_s.so.1", "libstdc++.so.6", "libdl.so.2", "libm.so.6", "libpthread.so.0", "librt.so.1", "libutil.so.1")
    services += [libs / name for name in names]
    links = [PREFIX / "bin" / "python3", PREFIX / "bin" / "python"]
    found = [*links, *tools, BINARY, PREFIX / "lib" / MINOR, *pip, *map(Path, ROOT_FILES), *services]
    return [path for path in [*found, *libraries([BINARY, *tools, *modules])] if path.exists()]


def pack(archive: Path) -> None:
    packed: set[str] = set()

    def kept(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        unwanted = set(Path(member.name).parts[-2:]) & set(LEFT_OUT) and "pip" not in member.name
        if unwanted or member.name in packed:
            return None
        packed.add(member.name)
        return member

    with tarfile.open(archive, "w") as tar:
        for path in contents():
            real = path.resolve()
            # Both the name that is asked for and the file that it leads to.
            for each in {path.parent.resolve() / path.name, real}:
                tar.add(each, filter=kept)
        for folder in ("tmp", "opt", "root", "proc", "sys", "dev"):
            member = tarfile.TarInfo(folder)
            member.type, member.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            tar.addfile(member)
        for name in ("bin", "lib", "lib64"):
            tar.add(f"/{name}", recursive=False)


def build(folder: Path) -> None:
    archive = folder / "root.tar"
    pack(archive)
    path = ["--change", f"ENV PATH={PREFIX}/bin:/usr/bin:/bin"]
    serve = ["--change", f'CMD ["{BINARY}", "-m", "http.server", "9000"]']
    for name, changes in ((PYTHON, path), (SERVER, [*path, *serve])):
        subprocess.run([*PODMAN, "import", *changes, str(archive), name], check=True, capture_output=True)


def remove() -> None:
    subprocess.run([*PODMAN, "rmi", "--force", PYTHON, SERVER], capture_output=True)


def have_podman() -> bool:
    try:
        return subprocess.run(["podman", "version"], capture_output=True).returncode == 0
    except FileNotFoundError:
        return False
