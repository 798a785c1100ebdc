#include "controlplane/server/connection_table.h"

#include <utility>

namespace sluice::controlplane {

ConnectionTable::Arrival ConnectionTable::Arrive(int fd, const std::string& peer,
                                                 bool descriptors_left, MonotonicTime now) {
  Left(fd);
  const auto of_peer = peers_.try_emplace(peer).first;
  std::optional<int> gives_way;
  if (of_peer->second.open >= bounds_.open_a_peer) {
    if (of_peer->second.silent.empty()) return {Answer::kPeerIsFull};
    gives_way = of_peer->second.silent.front();
  } else if (connections_.size() >= bounds_.open || !descriptors_left) {
    if (silent_.empty()) {
      if (of_peer->second.open == 0) peers_.erase(of_peer);
      return {Answer::kFull};
    }
    gives_way = silent_.front().fd;
  }
  ++of_peer->second.open;  // First, so that the peer stays.
  Arrival arrival{Answer::kTaken};
  if (gives_way) arrival.gives_way = Leave(*gives_way);
  const auto in_all = silent_.insert(silent_.end(), {fd, now + bounds_.silent_time});
  const auto in_peer = of_peer->second.silent.insert(of_peer->second.silent.end(), fd);
  connections_.emplace(fd, Connection{of_peer, in_all, in_peer});
  return arrival;
}

void ConnectionTable::TakeFromSilent(Connection& connection) {
  if (connection.in_all == silent_.end()) return;
  silent_.erase(std::exchange(connection.in_all, silent_.end()));
  std::list<int>& of_peer = connection.peer->second.silent;
  of_peer.erase(std::exchange(connection.in_peer, of_peer.end()));
}

void ConnectionTable::Spoke(int fd) { TakeFromSilent(connections_.at(fd)); }

void ConnectionTable::Left(int fd) {
  const auto found = connections_.find(fd);
  if (found == connections_.end()) return;
  TakeFromSilent(found->second);
  const auto peer = found->second.peer;
  connections_.erase(found);
  if (--peer->second.open == 0) peers_.erase(peer);
}

std::optional<MonotonicTime> ConnectionTable::NextDeadline() const {
  if (silent_.empty()) return std::nullopt;
  return silent_.front().until;
}

std::vector<ConnectionTable::Leaving> ConnectionTable::TakeOverdue(MonotonicTime now) {
  std::vector<Leaving> overdue;
  while (!silent_.empty() && silent_.front().until <= now) {
    overdue.push_back(Leave(silent_.front().fd));
  }
  return overdue;
}

ConnectionTable::Leaving ConnectionTable::Leave(int fd) {
  Leaving leaving{fd, PeerOf(fd)};
  Left(fd);
  return leaving;
}

std::vector<int> ConnectionTable::Silent() const {
  std::vector<int> silent;
  for (const Waiting& waiting : silent_) silent.push_back(waiting.fd);
  return silent;
}

bool ConnectionTable::IsSilent(int fd) const {
  const auto found = connections_.find(fd);
  return found != connections_.end() && found->second.in_all != silent_.end();
}

}  // namespace sluice::controlplane
