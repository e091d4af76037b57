#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# clang-tidy, with the checks of .clang-tidy, on everything that is not a test.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${1:-build}
git ls-files 'daemon/*.cpp' 'ctl/*.cpp' 'pktgen/*.cpp' 'bench/*.cpp' |
  xargs -P "$(nproc)" -n 4 clang-tidy-19 -p "$build" --quiet --warnings-as-errors='*' 2>/dev/null
