#!/bin/sh
# Lays out what a build for CUDA needs, from NVIDIA's Python wheels: for machines without the toolkit, with a GPU or not.
# Usage: scripts/cuda-toolkit.sh FOLDER
# Installs nothing outside FOLDER (about 2 GB). Fetching the wheels accepts NVIDIA's licences, which they contain.
set -eu

[ $# = 1 ] || { echo "usage: scripts/cuda-toolkit.sh FOLDER" >&2; exit 2; }
mkdir -p "$1"
cd "$1"
root=$(pwd)

# The crate that talks to CUDA knows the versions up to 13.4; the compiler and its headers must be of one.
[ -d venv ] || python3 -m venv venv
venv/bin/pip install --quiet \
    'nvidia-cuda-nvcc==13.0.*' 'nvidia-cuda-crt==13.0.*' 'nvidia-nvvm==13.0.*' 'nvidia-cuda-runtime==13.0.*' \
    'nvidia-cuda-cccl==13.0.*' 'nvidia-cuda-nvrtc==13.0.*' 'nvidia-curand==10.4.0.*' 'nvidia-cublas==13.0.*' \
    'nvidia-cudnn-cu13==9.*'
wheels=$(venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/nvidia

mkdir -p toolkit/include toolkit/lib/stubs
ln -sfn "$wheels/cu13/bin" toolkit/bin
ln -sfn "$wheels/cu13/nvvm" toolkit/nvvm
ln -sfn lib toolkit/lib64
for header in "$wheels"/cu13/include/* "$wheels"/cudnn/include/*; do
    ln -sfn "$header" toolkit/include/
done
for library in "$wheels"/cu13/lib/*.so.* "$wheels"/cudnn/lib/*.so.*; do
    name=$(basename "$library")
    ln -sfn "$library" "toolkit/lib/$name"
    # The linker looks for the name without a version.
    case $name in
        *.alt.*) ;;
        *) ln -sfn "$name" "toolkit/lib/${name%%.so.*}.so" ;;
    esac
done

# The driver's library comes with the driver, which a machine that only builds has not. The linker is content with its names.
grep -ohE '\bcu[A-Z][A-Za-z0-9_]+ *\(' toolkit/include/cuda.h | tr -d ' (' | sort -u \
    | sed -E 's/(.*)/\1\n\1_v2\n\1_v3\n\1_v4/; s/_v([0-9])(\n|_v)/_v\1\2/g' \
    | sed -E 's/(_v[0-9])_v[0-9]$/\1/' | sort -u | sed 's/.*/int &(void) { return 34; }/' >stub.c
cc -shared -fPIC -w -Wl,-soname,libcuda.so.1 -o toolkit/lib/stubs/libcuda.so stub.c

cat <<EOF
export CUDA_HOME=$root/toolkit
export PATH=$root/toolkit/bin:\$PATH
export LD_LIBRARY_PATH=$root/toolkit/lib\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}
EOF
