// The open discovery streams: bounds their number, lets the newest stream of a node win, and ends
// them all at shutdown. Thread-safe.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>

#include "common/base/error.h"
#include "common/base/mutex.h"

namespace sluice::controlplane {

class OpenStream {
 public:
  virtual ~OpenStream() = default;
  // Ends the stream with this error, unless it has ended. Must not call the registry.
  virtual void End(const Error& error) = 0;
};

class StreamRegistry {
 public:
  // Counts the stream from its start. kResourceExhausted, kUnavailable: it must not go on.
  Result<void> Add(const std::shared_ptr<OpenStream>& stream);
  void Remove(const std::shared_ptr<OpenStream>& stream);
  // The stream is of this node from now on; returns the one that was, which has to end.
  std::shared_ptr<OpenStream> Claim(const std::string& node_id,
                                    const std::shared_ptr<OpenStream>& stream);
  void Shutdown();

 private:
  Mutex mutex_;
  std::map<OpenStream*, std::weak_ptr<OpenStream>> streams_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, OpenStream*> by_node_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace sluice::controlplane
