#include "dataplane/relay/lingering_close.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <utility>

#include "common/base/limits.h"
#include "dataplane/loop/accept_gate.h"

namespace sluice::dataplane {

class LingeringSockets::Lingering final : public Retirable, public IoHandler, public Timer {
 public:
  Lingering(LingeringSockets& all, UniqueFd socket, std::size_t its_position)
      : position(its_position), all_(all), socket_(std::move(socket)) {}
  ~Lingering() override { all_.loop_.CancelAgain(*this); }

  void Begin() {
    ::shutdown(socket_.get(), SHUT_WR);
    // A new registration reports what has arrived already.
    if (all_.loop_.Modify(socket_.get(), kAllEdges, *this) != 0) {
      all_.Finish(*this);
      return;
    }
    all_.loop_.timers().Arm(*this, all_.loop_.now() + limits::kLingeringTime);
  }
  void CloseSocket() { socket_.reset(); }

  std::size_t position;  // In LingeringSockets::sockets_.

 private:
  void OnEvents(std::uint32_t) override {
    if (!socket_) return;
    std::array<char, 16 * 1024> dropped;
    constexpr int kReadsARound = 16;
    for (int i = 0; i < kReadsARound; ++i) {
      const ssize_t n = ::recv(socket_.get(), dropped.data(), dropped.size(), 0);
      if (n > 0 || (n < 0 && errno == EINTR)) continue;
      if (n < 0 && errno == EAGAIN) return;
      all_.Finish(*this);
      return;
    }
    all_.loop_.Again(*this);
  }
  void OnTimer() override { all_.Finish(*this); }

  LingeringSockets& all_;
  UniqueFd socket_;
};

LingeringSockets::LingeringSockets(EventLoop& loop, AcceptGate& gate) : loop_(loop), gate_(gate) {}

LingeringSockets::~LingeringSockets() = default;

void LingeringSockets::Close(UniqueFd socket) {
  if (sockets_.size() >= limits::kLingeringSockets) return;
  sockets_.push_back(std::make_unique<Lingering>(*this, std::move(socket), sockets_.size()));
  sockets_.back()->Begin();
}

void LingeringSockets::Finish(Lingering& socket) {
  socket.CloseSocket();
  loop_.CancelAgain(socket);
  loop_.timers().Cancel(socket);
  gate_.DescriptorsFreed();
  const std::size_t position = socket.position;
  std::unique_ptr<Lingering> finished = std::move(sockets_[position]);
  if (position + 1 != sockets_.size()) {
    sockets_[position] = std::move(sockets_.back());
    sockets_[position]->position = position;
  }
  sockets_.pop_back();
  loop_.Retire(std::move(finished));
}

}  // namespace sluice::dataplane
