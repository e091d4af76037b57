// SPDX-License-Identifier: BSD-2-Clause
#include "poller/choose_handle.h"

#include "poller/thread_handle.h"
#include "poller/uring_handle.h"
#include "poller/xsk_handle.h"

namespace xdpfwd::poller {
namespace {

Result<std::unique_ptr<NapiHandle>> make(HandleKind kind, const HandleWish& wish, NapiLookup& lookup,
                                         Changes& changes) {
  switch (kind) {
    case HandleKind::kIoUring: {
      if (!wish.uring) {
        auto set = UringSet::open(wish.longest_turn);
        if (!set) return std::unexpected(set.error());
        wish.uring = std::make_shared<UringSet>(std::move(*set));
      }
      return std::make_unique<UringHandle>(wish.uring);
    }
    case HandleKind::kAfXdp:
      return std::make_unique<XskHandle>(wish.budget);
    case HandleKind::kThreaded:
      return std::make_unique<ThreadHandle>(lookup, changes, wish.cpu);
    case HandleKind::kNone:
      break;
  }
  return fail("no such handle");
}

bool allows(HandleChoice choice, HandleKind kind) {
  return choice == HandleChoice::kAuto ||
         (choice == HandleChoice::kIoUring && kind == HandleKind::kIoUring) ||
         (choice == HandleChoice::kAfXdp && kind == HandleKind::kAfXdp) ||
         (choice == HandleChoice::kThreaded && kind == HandleKind::kThreaded);
}

}  // namespace

Result<std::unique_ptr<NapiHandle>> choose_handle(const HandleWish& wish, const NapiPlace& place,
                                                  NapiLookup& lookup, Changes& changes) {
  std::string lacking;
  for (const HandleKind kind : {HandleKind::kIoUring, HandleKind::kAfXdp, HandleKind::kThreaded}) {
    if (!allows(wish.choice, kind)) continue;
    auto handle = make(kind, wish, lookup, changes);
    if (handle) {
      const auto aimed = (*handle)->aim(place);
      if (aimed) return handle;
      handle = std::unexpected(aimed.error());
    }
    lacking += (lacking.empty() ? "" : "; ") + std::string(name_of(kind)) + ": " + handle.error().text();
  }
  return fail("nothing here polls its NAPI for us (" + lacking + ")",
              "leave the queue to deferred interrupts (napi_defer_hard_irqs and gro_flush_timeout)", ENOTSUP);
}

}  // namespace xdpfwd::poller
