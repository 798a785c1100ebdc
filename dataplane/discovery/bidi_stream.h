// A gRPC bidirectional stream seen from the control thread: gRPC's threads only post, everything
// else (events, sending, ending) happens on the control thread. At most one message is read ahead:
// the next read starts when the owner asks for it, so a flooding peer fills its own send window.
#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/support/client_callback.h>

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <utility>

namespace sluice::dataplane {

template <typename Out, typename In>
class BidiStream final : public grpc::ClientBidiReactor<Out, In>,
                         public std::enable_shared_from_this<BidiStream<Out, In>> {
 public:
  struct Events {
    std::function<void(const grpc::ClientContext&)> on_metadata;
    std::function<void(const In&)> on_message;           // Call ReadNext() when done with it.
    std::function<void(const grpc::Status&)> on_closed;  // Last event; not after Abandon().
  };

  BidiStream(asio::io_context& control, Events events)
      : control_(control), events_(std::move(events)) {}

  // `open` starts the call on the stub: (context, reactor).
  template <typename Open>
  void Start(Open open) {
    self_ = this->shared_from_this();
    open(&context_, this);
    this->AddHold();
    this->StartRead(&in_);
    this->StartCall();
  }

  void Send(Out message) {
    if (released_) return;
    queue_.push_back(std::move(message));
    WriteNext();
  }
  void ReadNext() {
    if (!released_) this->StartRead(&in_);
  }
  void Cancel() { context_.TryCancel(); }

  // Ends the call without further events, and waits until gRPC has done with it.
  void Abandon() {
    events_ = {};
    context_.TryCancel();
    Release();
    ended_.wait();
  }

 private:
  void OnReadInitialMetadataDone(bool ok) override {
    if (!ok) return;
    asio::post(control_, [self = this->shared_from_this()] {
      if (self->events_.on_metadata) self->events_.on_metadata(self->context_);
    });
  }
  void OnReadDone(bool ok) override {
    asio::post(control_, [self = this->shared_from_this(), ok] {
      if (!ok) {
        self->Release();
      } else if (self->events_.on_message) {
        self->events_.on_message(self->in_);
      }
    });
  }
  void OnWriteDone(bool ok) override {
    asio::post(control_, [self = this->shared_from_this(), ok] {
      self->writing_ = false;
      self->queue_.pop_front();
      if (ok) self->WriteNext();
    });
  }
  // The control thread alone lets go of the stream, and with it of a channel: gRPC's thread would
  // wait for itself when it lets go of the last one. It may do so before this returns.
  void OnDone(const grpc::Status& status) override {
    std::promise<void> done = std::move(done_);
    asio::post(control_, [self = std::move(self_), status] {
      if (self->events_.on_closed) self->events_.on_closed(status);
      self->events_ = {};
    });
    done.set_value();
  }

  void WriteNext() {
    if (writing_ || released_ || queue_.empty()) return;
    writing_ = true;
    this->StartWrite(&queue_.front());
  }
  // No operation is started after this; gRPC calls OnDone once those under way have ended.
  void Release() {
    if (std::exchange(released_, true)) return;
    this->RemoveHold();
  }

  asio::io_context& control_;
  grpc::ClientContext context_;
  std::promise<void> done_;
  const std::future<void> ended_ = done_.get_future();
  std::shared_ptr<BidiStream> self_;  // Until OnDone.
  In in_;

  // Control thread only.
  Events events_;
  std::deque<Out> queue_;  // At most a reply for each message read and the opening requests.
  bool writing_ = false;
  bool released_ = false;
};

}  // namespace sluice::dataplane
