#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# C++ is formatted by .clang-format; shell scripts parse. BPF C keeps the kernel's style by hand.
set -euo pipefail
cd "$(dirname "$0")/../.."
git ls-files '*.sh' .ci/run | xargs -n1 bash -n
git ls-files 'daemon/*.h' 'daemon/*.cpp' 'ctl/*.h' 'ctl/*.cpp' 'pktgen/*.h' 'pktgen/*.cpp' 'bench/*.h' 'bench/*.cpp' \
  'tests/*.h' 'tests/*.cpp' | xargs clang-format-19 --dry-run -Werror
