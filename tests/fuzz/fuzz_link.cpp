// SPDX-License-Identifier: BSD-2-Clause
// Any bytes as an RTM_NEWLINK message of the kernel: decoded or not, but never read beyond its end.
#include <libmnl/libmnl.h>

#include <cstdlib>
#include <cstring>
#include <memory>

#include "kernel/link_decoder.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < sizeof(nlmsghdr)) return 0;
  // Exactly as long as it is, so that AddressSanitizer sees every byte too many.
  const std::unique_ptr<char[]> bytes(new char[size]);
  std::memcpy(bytes.get(), data, size);
  auto* message = reinterpret_cast<nlmsghdr*>(bytes.get());
  message->nlmsg_len = static_cast<uint32_t>(size);
  if (!mnl_nlmsg_ok(message, static_cast<int>(size))) return 0;
  const auto decoded = xdpfwd::decode_link(*message);
  if (decoded && (decoded->link.name.empty() || decoded->link.ifindex == 0)) std::abort();
  return 0;
}
