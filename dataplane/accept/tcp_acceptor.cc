#include "dataplane/accept/tcp_acceptor.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "common/base/limits.h"
#include "dataplane/loop/accept_gate.h"
#include "dataplane/serve/tcp_session.h"
#include "dataplane/serve/worker_context.h"

namespace sluice::dataplane {
namespace {

enum class Accepted { kOne, kNone, kOutOfResources };

class TcpAcceptor final : public ServedSocket, private IoHandler {
 public:
  TcpAcceptor(WorkerContext& worker, std::shared_ptr<ListenSocket> socket)
      : worker_(worker), socket_(std::move(socket)) {
    // Level-triggered: a batch that did not empty the queue goes on in the next round, after
    // everybody else had their turn. Of the workers that share a unix socket one is woken for a
    // connection.
    const std::uint32_t exclusive = socket_->address.is_unix() ? std::uint32_t{EPOLLEXCLUSIVE} : 0;
    worker_.accept_gate().Join(socket_->fd.get(), EPOLLIN | exclusive, *this);
  }

  // The control thread may still hold the socket, so closing it is not what ends the registration.
  ~TcpAcceptor() override {
    if (socket_ != nullptr) worker_.accept_gate().Leave(socket_->fd.get());
  }

  void Serve(std::shared_ptr<WorkerListener> listener) override { listener_ = std::move(listener); }

  bool StopServing() override {
    // Those in the queue have been told by the kernel that they are connected; not those that a
    // flood adds meanwhile.
    const int queued = listener_->config->socket.backlog;
    for (int i = 0; i <= queued && AcceptOne() == Accepted::kOne; ++i) {
    }
    listener_ = nullptr;
    worker_.accept_gate().Leave(socket_->fd.get());
    // Closed now, not when this is destroyed: the address is free once we return.
    socket_ = nullptr;
    return true;
  }

 private:
  void OnEvents(std::uint32_t) override {
    for (std::size_t i = 0; i < limits::kAcceptBatch; ++i) {
      if (listener_ == nullptr || worker_.accept_gate().paused()) return;
      switch (worker_.accept_gate().HasRoom() ? AcceptOne() : Accepted::kOutOfResources) {
        case Accepted::kOne:
          break;
        case Accepted::kNone:
          return;
        case Accepted::kOutOfResources:
          listener_->counters.accept_pauses.Add();
          worker_.accept_gate().Pause();
          return;
      }
    }
  }

  Accepted AcceptOne() {
    sockaddr_storage peer;
    socklen_t length = sizeof(peer);
    UniqueFd client(::accept4(socket_->fd.get(), reinterpret_cast<sockaddr*>(&peer), &length,
                              SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (client) {
      StartTcpSession(worker_, listener_, std::move(client),
                      SocketAddress::FromSockaddr(reinterpret_cast<sockaddr*>(&peer), length));
      return Accepted::kOne;
    }
    switch (errno) {
      case EAGAIN:
        return Accepted::kNone;
      // The connection has gone wrong before we got it; accept(2) says to go on with the next.
      case EINTR:
      case ECONNABORTED:
      case EPERM:
      case EPROTO:
      case ENETDOWN:
      case ENOPROTOOPT:
      case EHOSTDOWN:
      case ENONET:
      case EHOSTUNREACH:
      case EOPNOTSUPP:
      case ENETUNREACH:
        return Accepted::kOne;
      default:
        return Accepted::kOutOfResources;
    }
  }

  WorkerContext& worker_;
  std::shared_ptr<ListenSocket> socket_;  // Null: stopped.
  std::shared_ptr<WorkerListener> listener_;
};

}  // namespace

std::unique_ptr<ServedSocket> MakeTcpAcceptor(WorkerContext& worker,
                                              std::shared_ptr<ListenSocket> socket) {
  return std::make_unique<TcpAcceptor>(worker, std::move(socket));
}

}  // namespace sluice::dataplane
