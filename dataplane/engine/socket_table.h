// The control thread's table of listening sockets, by protocol and address. A listener that comes,
// goes or changes its name finds an unchanged address's sockets with their queues; a new address is
// bound before any worker sees the configuration that needs it. Control thread only.
#pragma once

#include <compare>
#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "common/base/allowed_folders.h"
#include "common/base/socket_file.h"
#include "dataplane/accept/listen_socket.h"

namespace sluice::dataplane {

struct SocketKey {
  Protocol protocol;
  SocketAddress address;
  friend bool operator==(const SocketKey&, const SocketKey&) = default;
  friend auto operator<=>(const SocketKey&, const SocketKey&) = default;
};

class SocketTable {
 public:
  // One a worker, by SO_REUSEPORT; of a unix address the same one for all.
  using Sockets = std::vector<std::shared_ptr<ListenSocket>>;

  // `folders`: where unix sockets may be bound.
  SocketTable(std::size_t workers, AllowedFolders folders)
      : workers_(workers), folders_(std::move(folders)) {}
  // Removes the files of unix sockets.
  ~SocketTable();

  // The sockets of `key`, bound now if they are not yet, with `settings` in effect.
  BindResult<const Sockets*> Open(const SocketKey& key, const SocketSettings& settings);
  // Forgets all but these. Workers that hold a socket close it when they have done with it.
  void KeepOnly(const std::set<SocketKey>& keys);

 private:
  struct Entry {
    Sockets sockets;
    SocketSettings settings;
    SocketFile file;
  };
  using Leaving = std::vector<std::weak_ptr<ListenSocket>>;

  BindResult<Entry> Bind(const SocketKey& key, const SocketSettings& settings);
  bool OursOverlaps(const SocketKey& key) const;

  const std::size_t workers_;
  const AllowedFolders folders_;
  std::map<SocketKey, Entry> entries_;
  // Forgotten, but a worker may still hold them (UDP flows): they return when the address does.
  std::map<SocketKey, Leaving> leaving_;
};

}  // namespace sluice::dataplane
