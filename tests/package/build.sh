#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Builds the Debian packages of the committed tree, and prints the folder that they are in. Kept as long as what goes
# into them is the same: the package layer and the lab use the same ones.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/package/flags.sh
packages=$(realpath -m "${BUILD:-build}")/packages
content=(CMakeLists.txt LICENSE bpf bench ctl daemon debian deploy docs pktgen)
name=$(git ls-tree HEAD "${content[@]}" | sha256sum | cut -c1-16)
if ! [ -d "$packages/$name" ]; then
  echo "building the Debian packages of $(git rev-parse --short HEAD)" >&2
  rm -rf "$packages"
  mkdir -p "$packages/unfinished/xdpfwd"
  git archive HEAD | tar -x -C "$packages/unfinished/xdpfwd"
  (cd "$packages/unfinished/xdpfwd" && dpkg-buildpackage -b -us -uc) \
    >"$packages/log" 2>&1 || { tail -50 "$packages/log" >&2; echo "dpkg-buildpackage failed; $packages/log has it all" >&2; exit 1; }
  rm -rf "$packages/unfinished/xdpfwd"
  mv "$packages/unfinished" "$packages/$name"
fi
echo "$packages/$name"
