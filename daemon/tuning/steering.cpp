// SPDX-License-Identifier: BSD-2-Clause
#include "tuning/steering.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace xdpfwd {
namespace {

// Guests that may share a queue: those with the same profile. The first are those without one of their own.
using Group = size_t;
constexpr size_t kGroups = 5;
constexpr Group kNoGroup = kGroups;

Group group_of(const GuestWish& guest) {
  return guest.profile ? static_cast<size_t>(*guest.profile) + 1 : 0;
}

// Where profiles meet on a queue, the one that waits least is right for all.
int patience(Profile profile) {
  constexpr std::array<int, 4> kPatience = {3, 0, 1, 2};  // none, latency, balanced, throughput
  return kPatience[static_cast<size_t>(profile)];
}

class Assignment {
 public:
  Assignment(const std::vector<GuestWish>& guests, const SteeringQuestion& question)
      : guests_(guests),
        question_(question),
        queue_(guests.size(), kNone),
        owner_(question.queues, kNoGroup),
        pinned_(question.queues, false),
        load_(question.queues, 0) {
    weigh();
    std::array<bool, kGroups> there{};
    for (const GuestWish& guest : guests) there[group_of(guest)] = true;
    for (Group group = 0; group < kGroups; ++group)
      if (there[group]) groups_.push_back(group);
    separate_ = groups_.size() <= question.queues;
  }

  std::vector<uint32_t> run(std::vector<Remark>& remarks) {
    place_pinned(remarks);
    keep_present();
    relieve_busy();
    if (separate_) give_each_group_a_queue();
    place_rest();
    return queue_;
  }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;

  void weigh() {
    uint64_t sum = 0, known = 0;
    for (const GuestWish& guest : guests_)
      if (const auto load = question_.loads.find(guest.name); load != question_.loads.end())
        sum += load->second, ++known;
    const uint64_t average = known == 0 ? 0 : sum / known;
    weight_.reserve(guests_.size());
    for (const GuestWish& guest : guests_) {
      const auto load = question_.loads.find(guest.name);
      // One more, so that idle guests spread too.
      weight_.push_back((load == question_.loads.end() ? average : load->second) + 1);
    }
  }

  void put(size_t guest, uint32_t queue) {
    queue_[guest] = queue;
    load_[queue] += weight_[guest];
    if (owner_[queue] == kNoGroup) owner_[queue] = group_of(guests_[guest]);
  }

  template <typename May>
  [[nodiscard]] uint32_t least_loaded(const May& may) const {
    uint32_t best = kNone;
    for (uint32_t queue = 0; queue < question_.queues; ++queue)
      if (may(queue) && (best == kNone || load_[queue] < load_[best])) best = queue;
    return best;
  }

  [[nodiscard]] uint32_t present(size_t guest) const {
    const auto queue = guest < question_.present.size() ? question_.present[guest] : std::nullopt;
    return queue && *queue < question_.queues ? *queue : kNone;
  }

  void place_pinned(std::vector<Remark>& remarks) {
    for (size_t i = 0; i < guests_.size(); ++i) {
      if (!guests_[i].cpu) continue;
      const auto is_there = [&](uint32_t queue) {
        return queue < question_.cpu_of_queue.size() && question_.cpu_of_queue[queue] == *guests_[i].cpu;
      };
      const uint32_t now = present(i);
      const uint32_t queue = now != kNone && is_there(now) ? now : least_loaded(is_there);
      if (queue == kNone) {
        remarks.push_back(
            {"guest " + guests_[i].name,
             fmt::format("no queue is served by CPU {}, which the guest asks for", *guests_[i].cpu),
             "choose a CPU that is online and among tuning.cpus, or raise tuning.channels", true});
        continue;
      }
      pinned_[queue] = true;
      put(i, queue);
    }
  }

  void keep_present() {
    for (size_t i = 0; i < guests_.size(); ++i) {
      const uint32_t queue = present(i);
      if (queue_[i] != kNone || queue == kNone) continue;
      if (separate_ && owner_[queue] != kNoGroup && owner_[queue] != group_of(guests_[i])) continue;
      put(i, queue);
    }
  }

  // A move disturbs the order of a guest's frames for a moment: only when it takes a quarter off what the
  // busier of the two queues has, so that the way back would take much more than a change of loads.
  void relieve_busy() {
    if (question_.loads.empty()) return;
    for (size_t moves = 0; moves < question_.queues && move_one(); ++moves) {
    }
  }

  bool move_one() {
    std::vector<uint32_t> busy;
    for (uint32_t queue = 0; queue < question_.queues; ++queue)
      if (load_[queue] >= kBusyQueue) busy.push_back(queue);
    std::ranges::stable_sort(busy, [&](uint32_t a, uint32_t b) { return load_[a] > load_[b]; });
    return std::ranges::any_of(busy, [&](uint32_t queue) { return relieve(queue); });
  }

  bool relieve(uint32_t from) {
    const uint32_t to = least_loaded([&](uint32_t q) {
      return q != from && (!separate_ || owner_[q] == owner_[from] || owner_[q] == kNoGroup);
    });
    if (to == kNone) return false;
    size_t best = guests_.size();
    uint64_t least = load_[from] - load_[from] / 4;
    for (size_t i = 0; i < guests_.size(); ++i) {
      if (queue_[i] != from || guests_[i].cpu || !question_.loads.contains(guests_[i].name)) continue;
      const uint64_t busier = std::max(load_[from] - weight_[i], load_[to] + weight_[i]);
      if (busier > least || (busier == least && best != guests_.size())) continue;
      least = busier;
      best = i;
    }
    if (best == guests_.size()) return false;
    load_[from] -= weight_[best];
    put(best, to);
    return true;
  }

  void give_each_group_a_queue() {
    for (const Group group : groups_) {
      if (std::ranges::find(owner_, group) != owner_.end()) continue;
      uint32_t queue = least_loaded([&](uint32_t q) { return owner_[q] == kNoGroup; });
      if (queue == kNone) queue = take_queue();
      if (queue != kNone) owner_[queue] = group;
    }
  }

  // From a group that has more than one, of those that have most: the queue that the fewest packets go to.
  uint32_t take_queue() {
    std::array<size_t, kGroups + 1> count{};
    for (const Group group : owner_) ++count[group];
    size_t most = 2;
    for (uint32_t q = 0; q < question_.queues; ++q)
      if (!pinned_[q]) most = std::max(most, count[owner_[q]]);
    const uint32_t queue = least_loaded([&](uint32_t q) { return !pinned_[q] && count[owner_[q]] == most; });
    if (queue == kNone) return kNone;
    for (uint32_t& of_guest : queue_)
      if (of_guest == queue) of_guest = kNone;
    load_[queue] = 0;
    return queue;
  }

  void place_rest() {
    for (size_t i = 0; i < guests_.size(); ++i) {
      if (queue_[i] != kNone) continue;
      const Group group = group_of(guests_[i]);
      uint32_t queue = kNone;
      if (separate_)
        queue = least_loaded([&](uint32_t q) { return owner_[q] == group || owner_[q] == kNoGroup; });
      if (queue == kNone) queue = present(i);
      if (queue == kNone) queue = least_loaded([](uint32_t) { return true; });
      put(i, queue);
    }
  }

  const std::vector<GuestWish>& guests_;
  const SteeringQuestion& question_;
  std::vector<uint32_t> queue_;   // by guest
  std::vector<Group> owner_;      // by queue
  std::vector<bool> pinned_;      // by queue: a guest asked for its CPU
  std::vector<uint64_t> load_;    // by queue
  std::vector<uint64_t> weight_;  // by guest
  std::vector<Group> groups_;
  bool separate_ = false;
};

}  // namespace

Steering steer(const std::vector<GuestWish>& guests, Profile base, const SteeringQuestion& question,
               std::vector<Remark>& remarks) {
  Steering steering;
  steering.profile_of_queue.resize(question.queues);
  if (question.queues == 0) return steering;
  steering.queue_of_guest = Assignment(guests, question).run(remarks);
  std::vector<bool> used(question.queues, false);
  std::vector<bool> mixed(question.queues, false);
  for (size_t i = 0; i < guests.size(); ++i) {
    const uint32_t queue = steering.queue_of_guest[i];
    auto& profile = steering.profile_of_queue[queue];
    if (used[queue] && profile != guests[i].profile) mixed[queue] = true;
    if (!used[queue] || patience(guests[i].profile.value_or(base)) < patience(profile.value_or(base)))
      profile = guests[i].profile;
    used[queue] = true;
  }
  for (uint32_t queue = 0; queue < question.queues; ++queue)
    if (mixed[queue])
      remarks.push_back({fmt::format("queue {}", queue),
                         "guests of different profiles share it, so it gets the one that waits least",
                         "raise tuning.channels, or give guests fewer profiles or other CPUs", false});
  return steering;
}

}  // namespace xdpfwd
