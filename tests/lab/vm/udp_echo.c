/* SPDX-License-Identifier: BSD-2-Clause */
/* udp_echo PORT: sends every datagram back to its sender. Runs in the VM: busybox has nothing of the kind. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

int main(int count, char **words) {
  if (count != 2) {
    fputs("usage: udp_echo PORT\n", stderr);
    return 2;
  }
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(words[1]))};
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
    perror("udp_echo");
    return 1;
  }
  for (;;) {
    static char datagram[65536];
    struct sockaddr_in from;
    socklen_t length = sizeof(from);
    ssize_t n = recvfrom(fd, datagram, sizeof(datagram), 0, (struct sockaddr *)&from, &length);
    if (n < 0 || sendto(fd, datagram, (size_t)n, 0, (struct sockaddr *)&from, length) < 0)
      perror("udp_echo");
  }
}
