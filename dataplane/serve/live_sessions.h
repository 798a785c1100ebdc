// All sessions of one worker, so that a shutdown can end them. An intrusive list.
// Worker thread only.
#pragma once

namespace sluice::dataplane {

class LiveSessions;

class LiveSession {
 public:
  LiveSession() = default;
  LiveSession(const LiveSession&) = delete;
  LiveSession& operator=(const LiveSession&) = delete;

  // Ends with CloseReason::kShutdown and leaves the list, before it returns.
  virtual void CloseForShutdown() = 0;

 protected:
  ~LiveSession() { Leave(); }
  // May be called again; leaving twice does nothing.
  void Leave() {
    if (link_ == nullptr) return;
    *link_ = next_;
    if (next_ != nullptr) next_->link_ = link_;
    next_ = nullptr;
    link_ = nullptr;
  }

 private:
  friend class LiveSessions;
  LiveSession* next_ = nullptr;
  LiveSession** link_ = nullptr;  // The pointer that points here; null while in no list.
};

class LiveSessions {
 public:
  LiveSessions() = default;
  LiveSessions(const LiveSessions&) = delete;
  LiveSessions& operator=(const LiveSessions&) = delete;

  void Join(LiveSession& session) {
    session.next_ = head_;
    session.link_ = &head_;
    if (head_ != nullptr) head_->link_ = &session.next_;
    head_ = &session;
  }
  void CloseAll() {
    while (head_ != nullptr) head_->CloseForShutdown();
  }

 private:
  LiveSession* head_ = nullptr;
};

}  // namespace sluice::dataplane
