// All sessions of one worker, so that a shutdown can end them. Worker thread only.
#pragma once

#include "common/base/intrusive_list.h"

namespace sluice::dataplane {

class LiveSession : private IntrusiveLink<LiveSession> {
 public:
  // Ends with CloseReason::kShutdown and leaves the list, before it returns.
  virtual void CloseForShutdown() = 0;

 protected:
  ~LiveSession() = default;
  // May be called again; leaving twice does nothing.
  void Leave() { Unlink(); }

 private:
  friend class LiveSessions;
  friend class IntrusiveLink<LiveSession>;
  friend class IntrusiveList<LiveSession>;
};

class LiveSessions {
 public:
  void Join(LiveSession& session) { sessions_.PushFront(session); }
  void CloseAll() {
    while (!sessions_.empty()) sessions_.front()->CloseForShutdown();
  }

 private:
  IntrusiveList<LiveSession> sessions_;
};

}  // namespace sluice::dataplane
