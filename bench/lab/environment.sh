# SPDX-License-Identifier: BSD-2-Clause
# In the lab's guest: what its figures were measured with. The harness keeps it with them.
# shellcheck shell=bash

tell_kernel() { echo "environment kernel $(uname -rv)"; }

# tell_environment: once the NICs are there.
tell_environment() {
  tell_kernel
  echo "environment ovs $(ovs-vswitchd --version | head -1)"
  echo "environment nic $(ethtool -i eth0 | sed -n 's/^driver: //p')"
}
