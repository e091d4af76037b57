# SPDX-License-Identifier: BSD-2-Clause
# Looking at igb members of a bond under traffic: what the doctor says of them, polls and interrupts counted, tuning verified,
# and values of tx-usecs walked and put back.
# lab: --timeout 900
. "$LAB_GUEST/topology.sh"
. "$LAB_GUEST/product.sh"
. "$LAB_GUEST/traffic.sh"

# verdict CHECK THING FILE
verdict() { jq -r --arg check "$1" --arg thing "$2" '.findings[] | select(.check == $check and .thing == $thing) | .verdict' <"$3"; }
# all_verdicts FILE [VERDICT]: a line each, but not those of that verdict.
all_verdicts() { jq -r --arg but "${2:-}" '.findings[] | select(.verdict != $but) | .verdict + " " + .check + " " + .thing + ": " + .what' <"$1"; }

must nics_up
must bonds_up active-backup
must readers 1
configure 1
must daemon_up
both_attached() { attached eth0 && attached eth1; }
must until_true 60 both_attached
must until_true 60 forwarding

xdpctl doctor --json >/run/doctor.json
check_equal "the doctor warns" 1 $?
all_verdicts /run/doctor.json pass | sed 's/^/#   /'
check_equal "it sees our program" "pass pass" "$(verdict xdp eth0 /run/doctor.json) $(verdict xdp eth1 /run/doctor.json)"
check_equal "the bond's mode" pass "$(verdict bond-mode bond0 /run/doctor.json)"
check_equal "that igb steers by no rules" warn "$(verdict ntuple eth0 /run/doctor.json)"
check_equal "and that the tap has a reader" pass "$(verdict tap tap1 /run/doctor.json)"

send 1000000 --dev eth2 --dev eth3 --guest "mac=$(guest_mac 1),vlan=100,tap=tap1" >/run/sender.log 2>&1 &
sender=$!
frames_arrive() { [ "$(reason forwarded)" -gt 1000 ]; }
must until_true 60 frames_arrive

xdpctl napi histogram --seconds 3 --json >/run/polls.json
check_equal "polls were watched" 0 $?
check "packets were polled" eval '[ "$(jq "[.queues[].packets] | add" </run/polls.json)" -gt 100 ]'
check "and went to the tap" eval '[ "$(jq "[.delivered[] | select(.tap == \"tap1\").taken] | add" </run/polls.json)" -gt 100 ]'
check "interrupts were counted" eval '[ "$(jq "[.queues[].interrupts // 0] | add" </run/polls.json)" -gt 100 ]'

must xdpctl tune apply
must until_true 120 eval 'xdpctl tune plan | grep -q "to be changed: nothing"'
xdpctl tune verify --seconds 3 --json >/run/verify.json
note "verify: status $?"
all_verdicts /run/verify.json | sed 's/^/#   /'
check_equal "what igb has reads back" pass "$(verdict settings eth0 /run/verify.json)"
check_equal "and its interrupts keep to it" pass "$(verdict coalescing eth0 /run/verify.json)"
check "packets were polled while it looked" eval '[ "$(jq "[.polls.queues[].packets] | add" </run/verify.json)" -gt 100 ]'

usecs=$(ethtool -c eth0)
xdpctl tune suggest tx-coalesce eth0 --seconds 2 --json >/run/suggest.json 2>/run/suggest.log
check_equal "values of tx-usecs are walked" 0 $?
cat /run/suggest.log
jq -c '.' </run/suggest.json | sed 's/^/#   /'
check_equal "and it is as before" "$usecs" "$(ethtool -c eth0)"
kill "$sender"
wait "$sender"
check "put back" xdpctl tune revert
readers_end
finish
