#include "dataplane/accept/accept_gate.h"

#include <chrono>

#include "dataplane/runtime/descriptor_limit.h"

namespace sluice::dataplane {
namespace {

// Others may have freed what we lack (ENFILE, ENOMEM), so we look again from time to time.
constexpr std::chrono::milliseconds kPause{250};

}  // namespace

AcceptGate::~AcceptGate() { loop_.CancelAgain(*this); }

void AcceptGate::Join(Acceptor& acceptor) {
  acceptors_.push_back(&acceptor);
  if (paused_) acceptor.PauseAccepting();
}

void AcceptGate::Leave(Acceptor& acceptor) { std::erase(acceptors_, &acceptor); }

void AcceptGate::Pause() {
  if (paused_) return;
  paused_ = true;
  for (Acceptor* acceptor : acceptors_) acceptor->PauseAccepting();
  loop_.timers().Arm(*this, loop_.now() + kPause);
}

void AcceptGate::Resume() {
  if (!paused_) return;
  // A client that is accepted without them would be closed; in the queue it can wait.
  if (!SessionDescriptorsLeft()) {
    loop_.timers().Arm(*this, loop_.now() + kPause);
    return;
  }
  paused_ = false;
  loop_.timers().Cancel(*this);
  for (Acceptor* acceptor : acceptors_) acceptor->ResumeAccepting();
}

}  // namespace sluice::dataplane
