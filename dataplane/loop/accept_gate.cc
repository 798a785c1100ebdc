#include "dataplane/loop/accept_gate.h"

#include <cerrno>
#include <chrono>
#include <cstddef>

#include "dataplane/loop/descriptor_limit.h"

namespace sluice::dataplane {
namespace {

// Others may have freed what we lack (ENFILE, ENOMEM), so we look again from time to time.
constexpr std::chrono::milliseconds kPause{250};
constexpr std::chrono::seconds kScarce{10};

}  // namespace

AcceptGate::~AcceptGate() { loop_.CancelAgain(*this); }

void AcceptGate::Join(int fd, std::uint32_t events, IoHandler& acceptor) {
  sockets_.push_back({fd, events, &acceptor});
  if (!paused_) Watch(sockets_.back());
}

void AcceptGate::Leave(int fd) {
  std::erase_if(sockets_, [fd](const Listening& socket) { return socket.fd == fd; });
  loop_.Remove(fd);
}

void AcceptGate::Watch(const Listening& socket) {
  const int error = loop_.Add(socket.fd, socket.events, *socket.acceptor);
  if (error != 0 && error != EEXIST) Pause();
}

// A client that is accepted without descriptors for its session would be closed; in the queue it
// can wait.
bool AcceptGate::HasRoom() const {
  return loop_.now() >= scarce_until_ || SessionDescriptorsLeft();
}

void AcceptGate::Pause() {
  if (paused_) return;
  paused_ = true;
  scarce_until_ = loop_.now() + kScarce;
  for (const Listening& socket : sockets_) loop_.Remove(socket.fd);
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
  for (std::size_t i = 0; i < sockets_.size() && !paused_; ++i) Watch(sockets_[i]);
}

}  // namespace sluice::dataplane
