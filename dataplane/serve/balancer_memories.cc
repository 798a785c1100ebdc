#include "dataplane/serve/balancer_memories.h"

#include <algorithm>
#include <utility>

namespace sluice::dataplane {

BalancerMemory& BalancerMemories::Of(const UpstreamConfig& upstream) {
  const std::size_t slot = upstream.shared->slot;
  if (slot < slots_.size()) {
    for (const Form& form : slots_[slot]) {
      if (form.upstream.get() == &upstream) return *form.memory;
    }
  }
  passing_ = upstream.balancer->NewMemory(nullptr);
  return *passing_;
}

void BalancerMemories::Follow(const std::vector<std::shared_ptr<const ListenerConfig>>& listeners) {
  ++follows_;
  for (const auto& listener : listeners) {
    for (const auto& upstream : listener->upstreams) {
      const std::size_t slot = upstream->shared->slot;
      if (slot >= slots_.size()) slots_.resize(slot + 1);
      std::vector<Form>& forms = slots_[slot];
      const auto same = std::find_if(forms.begin(), forms.end(),
                                     [&](const Form& form) { return form.upstream == upstream; });
      if (same != forms.end()) {
        same->named_by = follows_;
        continue;
      }
      // The newest of its forms: an older one is that of a listener that stayed behind. (A slot may
      // have been another upstream's before.)
      const auto earlier = std::find_if(forms.rbegin(), forms.rend(), [&](const Form& form) {
        return form.upstream->shared == upstream->shared;
      });
      auto memory =
          upstream->balancer->NewMemory(earlier == forms.rend() ? nullptr : earlier->memory.get());
      forms.push_back({upstream, std::move(memory), follows_});
    }
  }
  for (std::vector<Form>& forms : slots_) {
    std::erase_if(forms, [&](const Form& form) { return form.named_by != follows_; });
  }
}

}  // namespace sluice::dataplane
