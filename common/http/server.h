// HTTP/1 on one address: sockets, time and turns around the exchanges (exchanges.h). One thread of
// its own, which calls the handler.
//
// Clients are not trusted. An exchange has a deadline from its first byte to its last, every size
// has a bound (limits::kHttp…), and so has the number of connections: a newcomer to a full server,
// or to a process without descriptors, has a connection closed, one that lingers or is idle if
// there is any, else the one with the oldest exchange. So a probe is answered while others stall.
// Each connection does one thing in its turn: one read, one request, one piece of an answer. A
// server neither knows who asks nor encrypts: who listens where others can reach must bring a
// channel and a handler that do.
#pragma once

#include <memory>
#include <string>

#include "common/base/address.h"
#include "common/base/error.h"
#include "common/base/limits.h"
#include "common/http/channel.h"
#include "common/http/exchanges.h"
#include "common/http/message.h"

namespace sluice::http {

struct ServerOptions {
  std::string name;       // Of the thread; `NAME address` in errors.
  SocketAddress address;  // Port 0: any.
  std::size_t connections = limits::kHttpConnections;
  ExchangeLimits limits = {};
  ChannelFactory channel = PlainChannel;
};

class Server {
 public:
  // Bound and answering when it returns. Fails with a message that names the address.
  static Result<std::unique_ptr<Server>> Start(ServerOptions options, Handler handler);
  // Closes every connection and removes the unix socket. Blocks until a handler or a source in
  // progress returns.
  ~Server();
  // Where it listens.
  const SocketAddress& address() const;

 private:
  class Loop;
  explicit Server(std::unique_ptr<Loop> loop);
  const std::unique_ptr<Loop> loop_;
};

}  // namespace sluice::http
