/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * drain TAP: makes a tap and reads it as a VM's virtio-net without vhost would, throwing the frames away.
 * Says "ready" when it is there. Checks nothing (xdpfwd-pktgen does that): it is to be as little work as a
 * reader can be.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int fail(const char* what) {
  fprintf(stderr, "drain: %s: %s\n", what, strerror(errno));
  return 1;
}

int main(int count, char** words) {
  if (count != 2 || strlen(words[1]) >= IFNAMSIZ) {
    fputs("usage: drain TAP\n", stderr);
    return 2;
  }
  int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
  if (fd < 0) return fail("/dev/net/tun");
  struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
  memcpy(request.ifr_name, words[1], strlen(words[1]) + 1);
  if (ioctl(fd, TUNSETIFF, &request) < 0) return fail(words[1]);
  puts("ready");
  fflush(stdout);
  static char frame[65536 + 64];
  while (read(fd, frame, sizeof(frame)) >= 0 || errno == EINTR) continue;
  return fail("read");
}
