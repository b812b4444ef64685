#!/usr/bin/env bash
# Checks doppel's backend cuda on this machine, and says what it found, a line of JSON for each part. Needs a card with its
# driver, nvcc, CMake and a C++ compiler; no network, no Node. Nothing is written outside this folder.
#
#     ./run.sh [--seconds 480] [--python python3]       --emulated: the kernels on the processor, without a card
set -eu
cd "$(dirname "$0")"
started=$SECONDS
fail() { echo "$*" >&2; exit 1; }
seconds=480
emulated=
for ((i = 1; i <= $#; i++)); do
  [ "${!i}" != --emulated ] || emulated=yes
  if [ "${!i}" = --seconds ]; then next=$((i + 1)); seconds=${!next}; fi
done

options=()
targets=(doppel_native)
if [ "$emulated" ]; then
  options+=(-DDOPPEL_EMULATED=ON)
  targets+=(doppel_emulated)
else
  card=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null | head -n 1) || card=
  [ "$card" ] || fail 'There is no card: nvidia-smi finds none. With --emulated the kernels run on the processor.'
  nvcc=
  for each in nvcc /usr/local/cuda/bin/nvcc "${CUDACXX:-}"; do
    if [ -z "$nvcc" ] && command -v "$each" >/dev/null; then nvcc=$(command -v "$each"); fi
  done
  [ "$nvcc" ] || fail 'There is no nvcc: put CUDA on PATH, or name it by CUDACXX.'
  options+=(-DDOPPEL_CUDA=ON "-DDOPPEL_CUDA_ARCHITECTURES=${card/./}" "-DCMAKE_CUDA_COMPILER=$nvcc")
fi
command -v cmake >/dev/null || fail 'There is no cmake.'

echo "Building ${targets[*]} ${card:+for compute capability $card }…" >&2
out=$PWD/native-cuda/build/Release
if ! { cmake -S native-cuda -B build -DCMAKE_BUILD_TYPE=Release "-DCMAKE_LIBRARY_OUTPUT_DIRECTORY=$out" \
  "-DCMAKE_JS_INC=$PWD/headers/node" "-DDOPPEL_NODE_ADDON_API=$PWD/headers/node-addon-api" "${options[@]}" &&
  cmake --build build --parallel "$(nproc)" --target "${targets[@]}"; } >build.log 2>&1; then
  tail -n 30 build.log >&2
  fail 'The build failed: build.log has all of it.'
fi
built=$((SECONDS - started))
echo "{\"part\":\"build\",\"ok\":true,\"seconds\":$built}"
exec ./node native-cuda/check/check.mjs "$@" --seconds $((seconds - built))
