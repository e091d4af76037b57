// SPDX-License-Identifier: BSD-2-Clause
#include "poller/privileges.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace xdpfwd::poller {

Result<void> keep_capabilities(uint64_t kept) {
  // Without CAP_SETPCAP the bounding set stays what the unit made it; without exec it gives nothing.
  for (int capability = 0; ::prctl(PR_CAPBSET_READ, capability) >= 0; ++capability)
    if ((kept >> capability & 1) == 0) (void)::prctl(PR_CAPBSET_DROP, capability);
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return fail_errno("cannot give up new privileges", errno);
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
    return fail_errno("cannot give up ambient capabilities", errno);
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
  if (::syscall(SYS_capget, &header, data) < 0) return fail_errno("cannot read capabilities", errno);
  for (unsigned word = 0; word < _LINUX_CAPABILITY_U32S_3; ++word) {
    data[word].permitted &= static_cast<uint32_t>(kept >> 32 * word);
    data[word].effective = data[word].permitted;
    data[word].inheritable = 0;
  }
  if (::syscall(SYS_capset, &header, data) < 0) return fail_errno("cannot give up capabilities", errno);
  return {};
}

}  // namespace xdpfwd::poller
