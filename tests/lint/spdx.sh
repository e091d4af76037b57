#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Every source file says its licence in its first three lines; BPF code the dual one, a kernel module the kernel's.
set -euo pipefail
cd "$(dirname "$0")/../.."
status=0
while IFS= read -r file; do
  want='SPDX-License-Identifier: BSD-2-Clause'
  case "$file" in
    bpf/*.h | bpf/*.c | *.bpf.c) want='SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only' ;;
    tests/lab/nic/module/*) want='SPDX-License-Identifier: GPL-2.0-only' ;; # a kernel module
  esac
  if ! head -3 "$file" | grep -qE "$want( \*/)?\$"; then
    echo "$file: no line '$want'"
    status=1
  fi
done < <(git ls-files | grep -E '\.(h|c|cpp|sh|cmake|in)$|CMakeLists\.txt$|^\.ci/run$')
exit $status
