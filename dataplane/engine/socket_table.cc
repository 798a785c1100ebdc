#include "dataplane/engine/socket_table.h"

#include <algorithm>
#include <utility>

namespace sluice::dataplane {
namespace {

// Can the kernel not have both without SO_REUSEPORT?
bool Overlap(const SocketKey& a, const SocketKey& b) {
  if (a.protocol != b.protocol || a.address.family() != b.address.family()) return false;
  if (a.address == b.address) return true;
  return !a.address.is_unix() && a.address.port() == b.address.port() &&
         (a.address.is_wildcard() || b.address.is_wildcard());
}

}  // namespace

SocketTable::~SocketTable() { KeepOnly({}); }

BindResult<const SocketTable::Sockets*> SocketTable::Open(const SocketKey& key,
                                                          const SocketSettings& settings) {
  const auto found = entries_.find(key);
  if (found != entries_.end()) {
    Entry& entry = found->second;
    if (entry.settings != settings) {
      for (const auto& socket : entry.sockets) {
        ChangeSettings(socket->fd.get(), key.protocol, key.address, settings);
      }
      entry.settings = settings;
    }
    return &entry.sockets;
  }
  auto bound = Bind(key, settings);
  if (!bound) return tl::make_unexpected(std::move(bound.error()));
  return &entries_.emplace(key, std::move(*bound)).first->second.sockets;
}

BindResult<SocketTable::Entry> SocketTable::Bind(const SocketKey& key,
                                                 const SocketSettings& settings) {
  if (key.address.is_unix()) {
    if (auto parent = folders_.OpenParent(UnixPathOf(key.address)); !parent) {
      return tl::make_unexpected(BindFailure{"AddressNotAvailable", parent.error().message});
    }
  }
  if (!OursOverlaps(key)) {
    if (auto free = ProveFree(key.protocol, key.address); !free) {
      return tl::make_unexpected(std::move(free.error()));
    }
  }
  Entry entry{{}, settings, {}};
  entry.sockets.resize(workers_);
  if (const auto leaving = leaving_.find(key); leaving != leaving_.end()) {
    for (std::size_t i = 0; i < workers_; ++i) {
      entry.sockets[i] = leaving->second[i].lock();
      if (entry.sockets[i] == nullptr) continue;
      ChangeSettings(entry.sockets[i]->fd.get(), key.protocol, key.address, settings);
    }
    leaving_.erase(leaving);
  }
  // The kernel spreads UDP clients over the sockets that are there. A group that lost one of them
  // would hand the datagrams of a flow to a worker that does not know it, so all are closed
  // together.
  const auto group = key.protocol == Protocol::kUdp
                         ? std::make_shared<std::vector<ListenSocket>>(workers_)
                         : nullptr;
  for (std::size_t i = 0; i < workers_; ++i) {
    std::shared_ptr<ListenSocket>& socket = entry.sockets[i];
    if (socket != nullptr) continue;
    auto opened = OpenListenSocket(key.protocol, key.address, settings);
    if (!opened) return tl::make_unexpected(std::move(opened.error()));
    socket = group ? std::shared_ptr<ListenSocket>(group, &(*group)[i])
                   : std::make_shared<ListenSocket>();
    *socket = ListenSocket{key.protocol, key.address, std::move(*opened)};
    if (key.address.is_unix()) {
      std::fill(entry.sockets.begin(), entry.sockets.end(), socket);
      entry.file = SocketFile(key.address);
      break;
    }
  }
  return entry;
}

bool SocketTable::OursOverlaps(const SocketKey& key) const {
  if (key.address.is_unix()) return false;
  const auto overlaps = [&](const auto& row) { return Overlap(row.first, key); };
  return std::any_of(entries_.begin(), entries_.end(), overlaps) ||
         std::any_of(leaving_.begin(), leaving_.end(), overlaps);
}

void SocketTable::KeepOnly(const std::set<SocketKey>& keys) {
  std::erase_if(leaving_, [](const auto& row) {
    return std::all_of(row.second.begin(), row.second.end(),
                       [](const auto& socket) { return socket.expired(); });
  });
  for (auto it = entries_.begin(); it != entries_.end();) {
    if (keys.contains(it->first)) {
      ++it;
      continue;
    }
    it->second.file.Remove();
    if (!it->first.address.is_unix()) {
      leaving_[it->first] = Leaving(it->second.sockets.begin(), it->second.sockets.end());
    }
    it = entries_.erase(it);
  }
}

}  // namespace sluice::dataplane
