#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Every header compiles by itself; those that both sides share, as C and as C++. A header that is the first thing its own
# .cpp includes has been compiled so by the build; the others are compiled here.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${1:-build}
flags=(-Wall -Wextra -Werror -fsyntax-only -Idaemon -I. -Itests -I"$build/daemon/generated" -isystem "$build/bpf/skel"
  -isystem "$build/pktgen/skel" -DSPDLOG_FMT_EXTERNAL $(pkg-config --cflags libbpf libmnl libsystemd))
pids=()
status=0
check() {
  echo "#include \"$1\"" | "${@:2}" "${flags[@]}" - || { echo "$1 does not compile by itself ($2)"; return 1; }
}
export -f check
for header in bpf/abi.h bpf/parse.h bpf/rewrite.h; do
  check "$header" gcc -std=c11 -Wpedantic -x c || status=1
  check "$header" g++ -std=c++23 -x c++ || status=1
done
while IFS= read -r header; do
  own=${header%.h}.cpp
  name=${header#daemon/}
  if [ -f "$own" ] && [ "$(grep -m 1 '^#include' "$own")" = "#include \"${name#tests/}\"" ]; then continue; fi
  # In pairs: each is quick.
  check "$name" g++ -std=c++23 -Wno-missing-field-initializers -x c++ &
  pids+=($!)
  if [ ${#pids[@]} -ge "$(nproc)" ]; then
    wait "${pids[0]}" || status=1
    pids=("${pids[@]:1}")
  fi
done < <(git ls-files 'daemon/*.h' 'ctl/*.h' 'pktgen/*.h' 'bench/*.h' 'tests/support/*.h')
for pid in "${pids[@]}"; do wait "$pid" || status=1; done
exit $status
