// The exchanges of one connection, one after the other: which bytes are an answer to which, and
// when time is up. No sockets and no clock: the server (server.cc) brings bytes and time, and takes
// bytes away.
//
// An exchange begins with the first byte of a request and has to end, with the last byte of its
// answer taken away, before its deadline, however the bytes trickle. Between exchanges a connection
// is idle for a bounded time. Requests that come before the answer to an earlier one wait, unread
// beyond limits::kHttpHeaderBytes and a read, and are answered in order.
// After the last answer the connection lingers: what the client still sends is thrown away until it
// ends, for a bounded time, because closing at once would have the answer reset away.
// One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/limits.h"
#include "common/base/monotonic_time.h"
#include "common/http/message.h"
#include "common/http/wire.h"

namespace sluice::http {

struct ExchangeLimits {
  std::chrono::milliseconds deadline = limits::kHttpDeadline;  // Of one exchange.
  std::chrono::milliseconds idle = limits::kHttpIdle;          // Between two.
  std::chrono::milliseconds lingering = limits::kHttpLingering;
  std::size_t body_bytes = 0;  // The most a request's body may have.
};

class Exchanges {
 public:
  // In the order in which a server that is full does without them.
  enum class State : std::uint8_t {
    kClosed,     // Nothing more will be said or heard.
    kLingering,  // Our side is to be ended; the client's is awaited.
    kIdle,       // Has been answered and has not asked again.
    kBusy,       // Asks, is answered, or has not yet begun to ask.
  };

  // `handler` outlives this. `wake` is handed to the sources of answers: it may be called from any
  // thread and has OnWake() called.
  Exchanges(const Handler& handler, ExchangeLimits limits, std::function<void()> wake,
            MonotonicTime now);

  State state() const;
  // When the present state began: for kBusy, the exchange.
  MonotonicTime since() const { return since_; }
  // When OnTime() has to be called; max(): never.
  MonotonicTime deadline() const { return deadline_; }
  void OnTime(MonotonicTime now);

  // Whether bytes of the client are taken now.
  bool wants_input() const;
  // At most limits::kHttpReadBytes, after wants_input().
  void OnInput(std::string_view bytes);
  void OnInputEnd();

  // There is something that Step() would do without more input.
  bool has_step() const { return has_step_; }
  // One step: reads one request and asks the handler, or asks a source for one piece. The caller
  // turns to its other connections in between.
  void Step(MonotonicTime now);
  void OnWake();

  // To be sent now; empty when nothing is. Valid until the next call of anything else.
  std::string_view output() const;
  // So many bytes of output() were sent.
  void OnSent(std::size_t bytes, MonotonicTime now);

 private:
  enum class Phase : std::uint8_t { kFirstByte, kRequest, kAnswer, kLinger, kClosed };

  void ReadRequest(MonotonicTime now);
  void Answer(Response response, MonotonicTime now);
  void AskSource(MonotonicTime now);
  void Send(std::string bytes);
  void EndAnswer(MonotonicTime now);
  void Close();

  const Handler* const handler_;
  const ExchangeLimits limits_;
  const std::function<void()> wake_;

  Phase phase_ = Phase::kFirstByte;
  bool answered_ = false;  // An exchange has ended on this connection.
  bool has_step_ = false;
  MonotonicTime since_;
  MonotonicTime deadline_;

  std::string input_;  // Not consumed yet.
  bool input_ended_ = false;
  std::unique_ptr<RequestReader> reader_;  // While phase_ is kRequest.

  // Of the answer.
  bool head_only_ = false;   // To HEAD.
  bool http_1_1_ = true;     // The request's version.
  bool keep_alive_ = false;  // The connection goes on after it.
  bool chunked_ = false;
  bool long_lived_ = false;
  std::unique_ptr<BodySource> source_;
  std::string output_;    // Sent first,
  std::string body_;      // then this: a large body is not copied behind its header.
  std::size_t sent_ = 0;  // Of output_, or of body_ when output_ is empty.
};

}  // namespace sluice::http
