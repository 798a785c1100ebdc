// A listening socket as one worker serves it: the seam between the worker, which follows the
// configuration, and what TCP (accept/tcp_acceptor) and UDP (accept/udp_receiver) do with a socket.
// A socket is known by protocol and address, never by the listener's name, so an unchanged socket
// meets one configuration after the other and keeps its queue. Worker thread only.
#pragma once

#include <memory>

#include "dataplane/config/worker_listener.h"
#include "dataplane/loop/event_loop.h"

namespace sluice::dataplane {

class ServedSocket : public Retirable {
 public:
  // New sessions begin with `listener` from now on. Called when the socket is first served, and
  // with every configuration that changed the listener; also after StopServing(), when a listener
  // came back to the address before the last UDP flow had ended.
  virtual void Serve(std::shared_ptr<WorkerListener> listener) = 0;

  // No listener has this address any longer: no new session but for connections that are queued
  // already. True: done, the worker retires it. False: flows still need the socket; the worker is
  // told when the last of them has ended.
  virtual bool StopServing() = 0;
};

}  // namespace sluice::dataplane
