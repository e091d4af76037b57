#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Who may include whom: the README's "may use" column, held. Also what core/ may not touch, being pure.
set -euo pipefail
cd "$(dirname "$0")/../.."
status=0

# folder: extended regular expression of the quoted includes it may have
declare -A may=(
  [bpf]='^bpf/'
  [daemon/base]='^base/'
  [daemon/core]='^(base|core)/|^bpf/abi\.h$'
  [daemon/tuning]='^(base|core|tuning)/'
  [daemon/doctor]='^(base|core|doctor)/'
  [daemon/packer]='^(base|core|packer)/'
  [daemon/packer/model]='^(base|core|packer)/'
  [daemon/kernel]='^(base|core|kernel)/|^bpf/((polls|poll_work|thread_times)_)?abi\.h$|\.skel\.h$'
  [daemon/sources]='^(base|core|sources)/'
  # Netlink is spoken, and its file of counters read, by the same few files, so that the poller stays small without a second of
  # each. kernel/netdev_family.h is not among them: it knows of NICs, and so of more of core/.
  [daemon/poller]='^(base|poller)/|^kernel/(netlink|attributes|change_thread|generic_family|napi_instance|pid_namespace|poller_counters)\.h$|^core/cpus\.h$|^bpf/poller_abi\.h$|\.skel\.h$'
  [daemon/shell]='^(base|core|tuning|packer|kernel|sources|shell)/'
  [ctl]='^(base|core|doctor|packer|sources|ctl)/|^kernel/host_facts\.h$'
  [pktgen]='^(base|pktgen)/|^core/net\.h$|^bpf/abi\.h$|\.skel\.h$'
  [bench]='^(base|core|kernel|packer|sources|pktgen|bench|bpf)/|\.skel\.h$|^(commit|lab_path)\.h$'
  [bench/contenders]='^(base|pktgen|bench)/|\.skel\.h$'
  [bench/scenarios]='^(base|pktgen|bench)/|^lab_path\.h$'
)
for folder in "${!may[@]}"; do
  while IFS=: read -r file line include; do
    echo "$file:$line: $folder/ may not include $include"
    status=1
  done < <(grep -nHoE '^#include "[^"]+"' "$folder"/*.{h,c,cpp} 2>/dev/null | sed -E 's/#include "([^"]+)"/\1/' |
    awk -F: -v may="${may[$folder]}" '$3 !~ may')
done

# core/, tuning/, doctor/ and packer/ have no I/O, no clock, no logging.
if grep -nE '#include <(sys/|unistd|fcntl|fstream|iostream|ctime|chrono|thread|spdlog|systemd|libmnl|bpf/bpf)' daemon/core/* daemon/tuning/* daemon/doctor/* \
  daemon/packer/*.* daemon/packer/model/*; then
  echo "daemon/core/, daemon/tuning/, daemon/doctor/ and daemon/packer/ are pure: none of these"
  status=1
fi
# BPF programs see the kernel's uapi headers and libbpf's helpers only.
if grep -nE '#include <' bpf/*.bpf.c bpf/maps.h bpf/fdb.h | grep -vE '#include <(linux|bpf)/'; then
  echo "bpf/ may include <linux/...> and <bpf/...> only"
  status=1
fi
# Names that say nothing.
if git ls-files | grep -iE '(^|/)[a-z_]*(utils?|common|helpers?|manager)[._/]'; then
  echo "find these files a name that says what they are"
  status=1
fi
exit $status
