// UDP sockets of tests: a client or endpoint that a test speaks for, and an endpoint that echoes.
#pragma once

#include <netinet/in.h>

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "common/base/address.h"
#include "common/base/unique_fd.h"
#include "tests/support/address.h"

namespace sluice::dataplane::test {

// A bound socket with a large receive buffer. Waits for datagrams with a generous deadline.
class UdpPeer {
 public:
  explicit UdpPeer(const std::string& bind = "127.0.0.1:0");

  const SocketAddress& address() const { return address_; }
  int fd() const { return socket_.get(); }

  // Only datagrams from there are received then, and an ICMP refusal is noticed.
  void Connect(const SocketAddress& to);
  void Close() { socket_.reset(); }

  void SendTo(const SocketAddress& to, std::string_view bytes);
  // Several datagrams of `segment` bytes in one system call and one piece (GSO).
  void SendSegmentsTo(const SocketAddress& to, std::string_view bytes, std::uint16_t segment);
  // Received datagrams come in one piece again where they were sent so (GRO).
  void ReceiveInPieces();

  struct Datagram {
    std::string bytes;
    SocketAddress from;
    std::uint16_t segment = 0;  // Of a piece.
  };
  // Nothing: none has come for long.
  std::optional<Datagram> Receive();
  // Nothing is there now.
  bool IsEmpty();
  // The bytes of the next datagram, or a text no test sends.
  std::string ReceiveBytes();

 private:
  std::optional<Datagram> TryReceive();

  UniqueFd socket_;
  SocketAddress address_;
};

// Sends every datagram back to where it came from, from a thread of its own.
class UdpEcho {
 public:
  explicit UdpEcho(const std::string& bind = "127.0.0.1:0");
  ~UdpEcho();

  const SocketAddress& address() const { return peer_.address(); }
  std::uint64_t received() const { return received_; }

 private:
  void Run();

  UdpPeer peer_;
  std::atomic<bool> stop_{false};
  std::atomic<std::uint64_t> received_{0};
  std::thread thread_;
};

}  // namespace sluice::dataplane::test
