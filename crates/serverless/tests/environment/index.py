"""Makes the packages that the tests install: `index.py FOLDER`."""

import io
import sys
import tarfile
import zipfile

FOLDER = sys.argv[1]


def wheel(name, version, body, requires=()):
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += "".join(f"Requires-Dist: {line}\n" for line in requires)
    files = {
        f"{name}/__init__.py": body,
        f"{info}/METADATA": metadata,
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[console_scripts]\nsay-{name} = {name}:main\n",
    }
    record = "".join(f"{path},,\n" for path in files) + f"{info}/RECORD,,\n"
    with zipfile.ZipFile(f"{FOLDER}/{name}-{version}-py3-none-any.whl", "w") as archive:
        for path, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(path, text)


def source(name, version, setup):
    """A package that runs `setup` when it is installed."""
    files = {
        "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
        "PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        "backend.py": f"import os, sys\ndef build_wheel(*a, **k):\n    {setup}\n",
    }
    with tarfile.open(f"{FOLDER}/{name}-{version}.tar.gz", "w:gz") as archive:
        for path, text in files.items():
            entry = tarfile.TarInfo(f"{name}-{version}/{path}")
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))


for version in ("1.0", "2.0"):
    wheel("greeting", version, f'text = "{version}"\ndef main():\n    print("hello {version}")\n')
wheel("fussy", "1.0", "", requires=["greeting<2"])
for version in ("2.2.1", "3.0.0", "3.1.2", "4.0"):
    wheel("cloudpickle", version, f'__version__ = "{version}"\n')
wheel("grpcio", "1.0", "")
wheel("grpcio", "2.0", "", requires=["greeting>=2"])
source("broken", "1.0", 'raise RuntimeError("no such compiler")')
source("nosy", "1.0", 'raise RuntimeError("seen: " + " ".join(sorted(os.environ)))')
source("snoop", "1.0", f'raise RuntimeError("there" if os.path.exists("{FOLDER}/../secret.txt") else "hidden")')
source("endless", "1.0", "import time; time.sleep(600)")
