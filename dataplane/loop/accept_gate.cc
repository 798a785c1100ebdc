#include "dataplane/loop/accept_gate.h"

#include <chrono>

#include "dataplane/loop/descriptor_limit.h"

namespace sluice::dataplane {
namespace {

// Others may have freed what we lack (ENFILE, ENOMEM), so we look again from time to time.
constexpr std::chrono::milliseconds kPause{250};
constexpr std::chrono::seconds kScarce{10};

}  // namespace

AcceptGate::~AcceptGate() { loop_.CancelAgain(*this); }

void AcceptGate::Join(Acceptor& acceptor) {
  acceptors_.push_back(&acceptor);
  if (paused_) acceptor.PauseAccepting();
}

void AcceptGate::Leave(Acceptor& acceptor) { std::erase(acceptors_, &acceptor); }

// A client that is accepted without descriptors for its session would be closed; in the queue it
// can wait.
bool AcceptGate::HasRoom() const {
  return loop_.now() >= scarce_until_ || SessionDescriptorsLeft();
}

void AcceptGate::Pause() {
  if (paused_) return;
  paused_ = true;
  scarce_until_ = loop_.now() + kScarce;
  for (Acceptor* acceptor : acceptors_) acceptor->PauseAccepting();
  loop_.timers().Arm(*this, loop_.now() + kPause);
}

void AcceptGate::Resume() {
  if (!paused_) return;
  if (!HasRoom()) {
    loop_.timers().Arm(*this, loop_.now() + kPause);
    return;
  }
  paused_ = false;
  loop_.timers().Cancel(*this);
  for (Acceptor* acceptor : acceptors_) acceptor->ResumeAccepting();
}

}  // namespace sluice::dataplane
