# SPDX-License-Identifier: BSD-2-Clause
# deploy/quickstart.sh on a kernel that has bonding: the uplink is a real bond device, and every frame arrives.
# lab: --nic none --timeout 900
. "$LAB_GUEST/checks.sh"
modprobe -a bonding veth tun
cd "$LAB_TREE" || exit 1
# Where the wrappers are, that find the libraries.
BUILD=/run/lab/bin deploy/quickstart.sh --no-build --frames 20000 >/run/quickstart.log 2>&1
status=$?
check_equal "deploy/quickstart.sh: every frame was where it belongs" 0 "$status"
check "its uplink is a real bond" grep -q 'uplink: bond0 over' /run/quickstart.log
[ "$checks_failed" -eq 0 ] || cat /run/quickstart.log
grep -E 'uplink:|MEMBER|up0|up1' /run/quickstart.log | sed 's/^/# /'
finish
