// Real sockets for scripted clients and endpoints: blocking, with a deadline on every call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/address.h"
#include "common/base/unique_fd.h"
#include "tests/support/address.h"

namespace sluice::dataplane::test {

// How the other side ended.
enum class Ending { kNotYet, kFinished, kReset };

// A connected stream socket.
class SocketPeer {
 public:
  SocketPeer() = default;
  explicit SocketPeer(UniqueFd fd);
  // Connects; fails the test when that does not work.
  explicit SocketPeer(const SocketAddress& address);
  // May fail: connected() says so.
  static SocketPeer TryConnect(const SocketAddress& address);

  bool connected() const { return static_cast<bool>(fd_); }
  int fd() const { return fd_.get(); }
  void Send(std::string_view bytes);
  // As much as goes without waiting.
  std::size_t SendSome(std::string_view bytes);
  // Exactly `size` bytes, or less when the other side ends or the deadline passes.
  std::string Receive(std::size_t size);
  // Everything up to the other side's end, and how it ended.
  std::string ReceiveAll(Ending* ending = nullptr);
  // Waits for the other side's end; fails the test when a byte comes instead.
  Ending WaitForEnd();
  void FinishSending();
  void Close() { fd_.reset(); }
  // Closes with a reset.
  void Reset();
  // Limits what the kernel holds for us, so that a writer gets stuck soon.
  void ShrinkReceiveBuffer(int bytes);
  SocketAddress local() const;

 private:
  UniqueFd fd_;
};

// A listening socket on a free port of 127.0.0.1 (or where told).
class PeerListener {
 public:
  PeerListener();
  explicit PeerListener(const SocketAddress& address, int backlog = 128);
  const SocketAddress& address() const { return address_; }
  // Fails the test when nobody connects.
  SocketPeer Accept();
  bool HasWaiting() const;
  int fd() const { return fd_.get(); }
  void Close() { fd_.reset(); }

 private:
  UniqueFd fd_;
  SocketAddress address_;
};

}  // namespace sluice::dataplane::test
