#include "common/http/channel.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace sluice::http {
namespace {

bool IsForLater(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

class SocketChannel final : public Channel {
 public:
  explicit SocketChannel(UniqueFd fd) : fd_(std::move(fd)) {}

  int fd() const override { return fd_.get(); }
  State Handshake() override { return State::kDone; }
  Step Read(std::span<char> bytes) override {
    const ssize_t count = ::recv(fd(), bytes.data(), bytes.size(), 0);
    if (count > 0) return {State::kDone, static_cast<std::size_t>(count)};
    if (count == 0) return {State::kEnd};
    return {IsForLater(errno) ? State::kAwaitsRead : State::kFailed};
  }
  Step Write(std::string_view bytes) override {
    const ssize_t count = ::send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count >= 0) return {State::kDone, static_cast<std::size_t>(count)};
    return {IsForLater(errno) ? State::kAwaitsWrite : State::kFailed};
  }
  bool FinishWriting() override { return ::shutdown(fd(), SHUT_WR) == 0; }

 private:
  const UniqueFd fd_;
};

}  // namespace

std::unique_ptr<Channel> PlainChannel(UniqueFd fd) {
  return std::make_unique<SocketChannel>(std::move(fd));
}

}  // namespace sluice::http
