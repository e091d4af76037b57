# SPDX-License-Identifier: BSD-2-Clause
# A real VM on a tap of the hypervisor: wire → VM through bond, XDP and tap, VM → wire through the bridge; ping, UDP, TCP.
# lab: --memory 3072 --timeout 2400 --silence 1200
. "$LAB_GUEST/topology.sh"
. "$LAB_GUEST/slow_path.sh"
. "$LAB_GUEST/product.sh"

blocks=8  # of 64 KiB, each way
must nics_up
must bonds_up 802.3ad
must bridge_up
must tor_vlan 100 10.100.0.254/24
modprobe tun
ip tuntap add dev tap1 mode tap vnet_hdr
must slow_path_port bridge tap1 100
ip link set tap1 up

mkdir /run/www
head -c $((blocks * 65536)) /dev/urandom >/run/www/file
tor busybox httpd -p 10.100.0.254:8000 -h /run/www

# An emulator in an emulator: its clock counts instructions, or the kernel in it would do nothing but take timer interrupts
# that are late.
qemu-system-x86_64 -M q35,usb=off,vmport=off -cpu max -accel tcg,thread=single -icount shift=4,sleep=on -smp 1 -m 256 \
  -display none -nodefaults -no-user-config -no-reboot -monitor none -serial file:/run/vm.console \
  -kernel /lab/vm/kernel -initrd /lab/vm/initramfs \
  -append "console=ttyS0 quiet panic=-1 net.ifnames=0 tsc=reliable no_timer_check mitigations=off vm.blocks=$blocks" \
  -netdev tap,id=net,ifname=tap1,script=no,downscript=no,vhost=off \
  -device "virtio-net-pci,netdev=net,mac=$(guest_mac 1),romfile=" >/run/vm.log 2>&1 &
vm=$!
must until_true 20 kill -0 $vm

configure 1
must daemon_up
vm_says() { grep -aq "$1" /run/vm.console; }
# The console of a VM that is slow shows how far it is.
follow() { while kill -0 $vm 2>/dev/null; do sleep 30; note "VM: $(tail -c 200 /run/vm.console | tail -1)"; done; }
follow &
check "the VM boots" until_true 1200 vm_says 'vm: up'
note "$(grep -a 'vm: up' /run/vm.console)"
check "forwarding" until_true 120 forwarding

forwarded() { reason forwarded; }
before=$(forwarded)
check "the VM answers ping" tor ping -c 5 -W 60 -i 2 10.100.0.1
check "the fast path took the requests" [ $(($(forwarded) - before)) -ge 5 ]

udp_comes_back() {
  tor python3 -c '
import os, socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
    wire.settimeout(60)
    wire.connect(("10.100.0.1", 7))
    for size in (1, 100, 1000, 1472):
        sent = os.urandom(size)
        wire.send(sent)
        assert wire.recv(2000) == sent, size'
}
check "UDP datagrams come back byte by byte" udp_comes_back

before=$(forwarded)
sum_of() { sha256sum <"$1" | cut -d' ' -f1; }
check "the VM has fetched the file by TCP" until_true 900 vm_says 'vm: received'
check_equal "and has every byte" "$(sum_of /run/www/file)" \
  "$(tor busybox wget -q -O - http://10.100.0.1/received.sum | cut -d' ' -f1)"
tor busybox wget -q -O /run/fetched http://10.100.0.1/sent
check_equal "what the VM sends by TCP arrives whole" "$(tor busybox wget -q -O - http://10.100.0.1/sent.sum | cut -d' ' -f1)" \
  "$(sum_of /run/fetched)"
check_equal "all of it" $((blocks * 65536)) "$(stat -c %s /run/fetched)"
check "segments and acknowledgements took the fast path" [ "$(forwarded)" -gt "$before" ]
kill $vm
finish
