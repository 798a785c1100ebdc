#include "controlplane/server/stream_registry.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "common/base/limits.h"

namespace sluice::controlplane {
namespace {

const Error kStopping{ErrorCode::kUnavailable, "the control plane is shutting down"};

}  // namespace

Result<void> StreamRegistry::Add(const std::shared_ptr<OpenStream>& stream) {
  const MutexLock lock(mutex_);
  if (stopping_) return tl::unexpected(kStopping);
  if (streams_.size() >= limits::kDiscoveryStreams) {
    return Fail(ErrorCode::kResourceExhausted,
                fmt::format("the control plane serves at most {} discovery streams",
                            limits::kDiscoveryStreams));
  }
  streams_.emplace(stream.get(), stream);
  return {};
}

void StreamRegistry::Remove(const std::shared_ptr<OpenStream>& stream) {
  const MutexLock lock(mutex_);
  streams_.erase(stream.get());
  std::erase_if(by_node_, [&](const auto& entry) { return entry.second == stream.get(); });
}

std::shared_ptr<OpenStream> StreamRegistry::Claim(const std::string& node_id,
                                                  const std::shared_ptr<OpenStream>& stream) {
  const MutexLock lock(mutex_);
  OpenStream*& holder = by_node_[node_id];
  OpenStream* const before = std::exchange(holder, stream.get());
  if (before == nullptr || before == stream.get()) return nullptr;
  const auto found = streams_.find(before);
  return found == streams_.end() ? nullptr : found->second.lock();
}

void StreamRegistry::Shutdown() {
  std::vector<std::shared_ptr<OpenStream>> streams;
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    for (const auto& [key, stream] : streams_) {
      if (auto open = stream.lock()) streams.push_back(std::move(open));
    }
  }
  for (const auto& stream : streams) stream->End(kStopping);
}

}  // namespace sluice::controlplane
