// Moves bytes between a client and an endpoint until both have ended. Two flows, one a direction.
// Nothing is unwritten while a session is idle: the worker's scratch buffer reads, what was read is
// written at once, and only what the destination would not take is kept; the source is not read
// again before that is gone, so a slow reader costs at most one scratch buffer or one pipe. A flow
// that fills large reads is hot: it is spliced through a pooled pipe, until its reads get small.
//
// The sockets are edge-triggered. That something can be read is remembered from the event until a
// read has shown otherwise, also while it cannot be acted on (no endpoint yet, destination full).
// A read that is short ends reading, unless the peer has sent FIN or urgent data: those raise no
// further event, so such a socket is read until it says EAGAIN or has ended.
//
// A connection that is dead (reset, or a write failed) is read on until nothing is left, as the
// kernel keeps what had arrived, and all of it is delivered to the other peer; what the other peer
// sends has nowhere to go and is dropped. nginx, HAProxy and a direct connection lose nothing here
// either. Worker thread only. Knows nothing of sessions.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "dataplane/relay/pipe_pool.h"

namespace sluice::dataplane {

enum class Peer : std::uint8_t { kClient, kEndpoint };

class TcpRelay {
 public:
  enum class Outcome : std::uint8_t {
    kOpen,
    kAgain,  // Open, and this relay has had its share of the round: to be pumped again in the next.
    kFinished,       // Both peers ended, everything is delivered.
    kClientReset,    // That peer's connection is dead; what it had sent is written to the other, or
    kEndpointReset,  // the other's is dead as well.
  };
  struct Tools {
    std::span<char> scratch;
    PipePool& pipes;
  };

  TcpRelay() = default;
  TcpRelay(const TcpRelay&) = delete;
  TcpRelay& operator=(const TcpRelay&) = delete;

  void SetSocket(Peer peer, int fd);
  // Remembers what epoll says of a peer's socket.
  void Note(Peer peer, std::uint32_t events);

  // Moves what can be moved. `moved`: bytes or an end went either way.
  Outcome Pump(Tools tools, bool& moved);

  // Gives the pipes back; what they still hold is dropped.
  void Release(PipePool& pipes);

  // The peer whose connection died first, from when that is known on.
  std::optional<Peer> dead() const {
    if (!is_dead()) return std::nullopt;
    return flows_[0].dead ? Peer::kClient : Peer::kEndpoint;
  }
  bool is_dead() const { return flows_[0].dead || flows_[1].dead; }
  // One peer has ended and the other has been told.
  bool half_closed() const { return From(Peer::kClient).ended || From(Peer::kEndpoint).ended; }
  std::uint64_t read_from(Peer peer) const { return From(peer).bytes_read; }
  std::uint64_t written_to(Peer peer) const {
    return From(peer == Peer::kClient ? Peer::kEndpoint : Peer::kClient).bytes_written;
  }

 private:
  // What a destination would not take.
  struct Unwritten {
    std::size_t size;
    std::size_t written;
    // `size` bytes follow.
    char* bytes() { return reinterpret_cast<char*>(this + 1); }
  };
  struct FreeUnwritten {
    void operator()(Unwritten* unwritten) const;
  };

  // One direction, with the socket it reads from.
  struct Flow {
    std::uint64_t bytes_read = 0;
    std::uint64_t bytes_written = 0;
    std::unique_ptr<Unwritten, FreeUnwritten> unwritten;  // Before what is in the pipe.
    Pipe pipe;
    std::uint32_t pipe_bytes = 0;
    int source = -1;
    bool readable : 1 = false;   // The source may have something to read.
    bool until_end : 1 = false;  // No event will follow: a short read says nothing.
    bool blocked : 1 = false;    // The destination takes no more; it will raise an event.
    bool end_read : 1 = false;   // The source has sent FIN.
    bool ended : 1 = false;      // ... and everything before it is delivered.
    bool hot : 1 = false;
    bool never_splice : 1 = false;
    bool error : 1 = false;     // The source's socket raised EPOLLERR; not looked into yet.
    bool dead : 1 = false;      // The source's connection is dead.
    bool dropping : 1 = false;  // The destination's is: what is read is dropped.

    // Nothing to read or deliver.
    bool Idle() const { return !readable && unwritten == nullptr && pipe_bytes == 0; }
  };
  enum class Step : std::uint8_t { kMoved, kStuck, kSourceDead, kDestinationDead };

  const Flow& From(Peer peer) const { return flows_[static_cast<std::size_t>(peer)]; }
  Flow& From(Peer peer) { return flows_[static_cast<std::size_t>(peer)]; }

  // Looks into the errors that sockets have raised. As NoteDead().
  bool NoteErrors(PipePool& pipes);
  // `peer` is dead, unless the other one died before it. False: both are dead now.
  bool NoteDead(Peer peer, PipePool& pipes);
  static void Drop(Flow& flow, std::span<char> scratch);
  static Step PumpFlow(Flow& flow, int destination, const Tools& tools, std::size_t& budget);
  static Step Deliver(Flow& flow, int destination, const Tools& tools);
  static Step DeliverUnwritten(Flow& flow, int destination);
  static Step DeliverPipe(Flow& flow, int destination);
  static Step DeliverPipeByCopy(Flow& flow, int destination, std::span<char> scratch);
  static Step ReadByCopy(Flow& flow, int destination, std::span<char> scratch);
  static Step ReadBySplice(Flow& flow);
  static Step NoteNothingRead(Flow& flow, ssize_t answer);
  static Step Write(Flow& flow, int destination, std::span<const char> bytes);

  std::array<Flow, 2> flows_;  // By the peer that is read from.
};

}  // namespace sluice::dataplane
