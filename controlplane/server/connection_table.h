// Which connections a port has, and which it takes: so many in all and so many of one peer. Those
// that have said nothing yet are there for a while only, and where there is no room the one that
// has been silent longest makes it: connections that say nothing keep nobody out. Plain decisions:
// no I/O. One thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/monotonic_time.h"

namespace sluice::controlplane {

struct ConnectionBounds {
  std::size_t open;         // The silent ones included.
  std::size_t open_a_peer;  // Likewise.
  std::chrono::milliseconds silent_time;
};

class ConnectionTable {
 public:
  explicit ConnectionTable(const ConnectionBounds& bounds) : bounds_(bounds) {}

  enum class Answer { kTaken, kPeerIsFull, kFull };
  // No longer in the table; to be closed.
  struct Leaving {
    int fd;
    std::string peer;
  };
  struct Arrival {
    Answer answer;
    std::optional<Leaving> gives_way = {};
  };
  // A connection, silent as yet, known by its descriptor: whatever had the number before has gone.
  // `descriptors_left`: false when it is one of the last, which are for silent ones to give back.
  Arrival Arrive(int fd, const std::string& peer, bool descriptors_left, MonotonicTime now);
  // It has said what it wants.
  void Spoke(int fd);
  void Left(int fd);

  // When the next one has been silent too long.
  std::optional<MonotonicTime> NextDeadline() const;
  std::vector<Leaving> TakeOverdue(MonotonicTime now);

  // All that are silent.
  std::vector<int> Silent() const;
  bool IsSilent(int fd) const;
  const std::string& PeerOf(int fd) const { return connections_.at(fd).peer->first; }
  std::size_t open() const { return connections_.size(); }
  std::size_t silent() const { return silent_.size(); }

 private:
  struct Waiting {
    int fd;
    MonotonicTime until;
  };
  struct Peer {
    std::size_t open = 0;
    std::list<int> silent = {};  // In the order they came.
  };
  using Peers = std::map<std::string, Peer, std::less<>>;
  struct Connection {
    Peers::iterator peer;
    // Places in silent_ and in the peer's list; the ends when it is not silent.
    std::list<Waiting>::iterator in_all;
    std::list<int>::iterator in_peer;
  };

  Leaving Leave(int fd);
  void TakeFromSilent(Connection& connection);

  const ConnectionBounds bounds_;
  std::map<int, Connection> connections_;
  Peers peers_;
  std::list<Waiting> silent_;  // In the order they came.
};

}  // namespace sluice::controlplane
