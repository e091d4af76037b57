// SPDX-License-Identifier: BSD-2-Clause
#include "pktgen/tap.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "pktgen/netns.h"

namespace xdpfwd::pktgen {
namespace {

Result<ifreq> request_for(const std::string& name) {
  auto parsed = InterfaceName::parse(name);
  if (!parsed) return std::unexpected(parsed.error());
  ifreq request{};
  std::ranges::copy(name, request.ifr_name);
  return request;
}

Result<void> ask(int socket, unsigned long what, ifreq& request, std::string_view doing) {
  if (::ioctl(socket, what, &request) == 0) return {};
  const int code = errno;
  return fail_errno(fmt::format("device '{}': {}", request.ifr_name, doing), code,
                    code == ENODEV  ? "'ip link' shows the devices of this namespace"
                    : code == EPERM ? "run as root, or with CAP_NET_ADMIN"
                                    : "");
}

Result<UniqueFd> any_socket() {
  UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd) return fail_errno("a socket for device requests", errno);
  return fd;
}

// A kernel without IPv6 has no such file, and nothing to silence.
void disable_ipv6(const std::string& name) {
  const UniqueFd fd(
      ::open(fmt::format("/proc/sys/net/ipv6/conf/{}/disable_ipv6", name).c_str(), O_WRONLY | O_CLOEXEC));
  if (fd) (void)!::write(fd.get(), "1", 1);
}

Result<void> configure(const TapOptions& options, ifreq request) {
  auto socket = any_socket();
  if (!socket) return std::unexpected(socket.error());
  if (options.queue_length) {
    request.ifr_qlen = static_cast<int>(*options.queue_length);
    if (auto done = ask(socket->get(), SIOCSIFTXQLEN, request, "setting txqueuelen"); !done) {
      if (done.error().code == ERANGE)
        return fail(done.error().message, fmt::format("this kernel takes at most {}", kLongestQueue), ERANGE);
      return done;
    }
  }
  if (options.mtu) {
    request.ifr_mtu = static_cast<int>(*options.mtu);
    if (auto done = ask(socket->get(), SIOCSIFMTU, request, "setting the MTU"); !done) return done;
  }
  if (options.quiet) disable_ipv6(options.name);
  if (!options.up) return {};
  if (auto done = ask(socket->get(), SIOCGIFFLAGS, request, "reading flags"); !done) return done;
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  return ask(socket->get(), SIOCSIFFLAGS, request, "setting it up");
}

}  // namespace

Result<UniqueFd> open_tap(const TapOptions& options) {
  auto request = request_for(options.name);
  if (!request) return std::unexpected(request.error());
  auto netns = NetNamespace::open(options.netns);
  if (!netns) return std::unexpected(netns.error());
  auto inside = InNamespace::enter(*netns);
  if (!inside) return std::unexpected(inside.error());

  UniqueFd fd(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return fail_errno("/dev/net/tun", errno, "load the module tun ('modprobe tun') and run as root");
  ifreq tap = *request;
  tap.ifr_flags = IFF_TAP | IFF_NO_PI;
  if (::ioctl(fd.get(), TUNSETIFF, &tap) != 0) {
    const int code = errno;
    return fail_errno(
        fmt::format("tap '{}'", options.name), code,
        code == EBUSY   ? "another process reads it: stop that one"
        : code == EPERM ? "run as root, or with CAP_NET_ADMIN"
        : code == EINVAL
            ? "a device of this name is no tap, or was made with other flags (multi_queue, vnet_hdr)"
            : "");
  }
  if (auto done = configure(options, *request); !done) return std::unexpected(done.error());
  return fd;
}

Result<uint32_t> device_index(const std::string& name) {
  auto request = request_for(name);
  if (!request) return std::unexpected(request.error());
  auto socket = any_socket();
  if (!socket) return std::unexpected(socket.error());
  if (auto done = ask(socket->get(), SIOCGIFINDEX, *request, "looking it up"); !done)
    return std::unexpected(done.error());
  return static_cast<uint32_t>(request->ifr_ifindex);
}

Result<MacAddress> device_mac(const std::string& name) {
  auto request = request_for(name);
  if (!request) return std::unexpected(request.error());
  auto socket = any_socket();
  if (!socket) return std::unexpected(socket.error());
  if (auto done = ask(socket->get(), SIOCGIFHWADDR, *request, "reading its address"); !done)
    return std::unexpected(done.error());
  std::array<uint8_t, 6> bytes{};
  std::memcpy(bytes.data(), request->ifr_hwaddr.sa_data, bytes.size());
  return MacAddress(bytes);
}

}  // namespace xdpfwd::pktgen
