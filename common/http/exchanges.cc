#include "common/http/exchanges.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "common/base/check.h"

namespace sluice::http {
namespace {

// Up to here a body is sent in one piece with its header.
constexpr std::size_t kSentTogether = std::size_t{64} * 1024;

constexpr MonotonicTime kNever = MonotonicTime::max();

MonotonicTime After(MonotonicTime now, std::chrono::milliseconds time) { return now + time; }

}  // namespace

Exchanges::Exchanges(const Handler& handler, ExchangeLimits limits, std::function<void()> wake,
                     MonotonicTime now)
    : handler_(&handler),
      limits_(limits),
      wake_(std::move(wake)),
      since_(now),
      deadline_(After(now, limits.deadline)) {}

Exchanges::State Exchanges::state() const {
  switch (phase_) {
    case Phase::kClosed:
      return State::kClosed;
    case Phase::kLinger:
      return State::kLingering;
    case Phase::kFirstByte:
      return answered_ && input_.empty() ? State::kIdle : State::kBusy;
    case Phase::kRequest:
    case Phase::kAnswer:
      return State::kBusy;
  }
  return State::kClosed;
}

void Exchanges::OnTime(MonotonicTime now) {
  if (now < deadline_) return;
  if (phase_ != Phase::kRequest) return Close();
  // Who has begun to ask is told; the answer has as long as any last one.
  keep_alive_ = false;
  Answer({.status = 408,
          .body = fmt::format("the request took longer than {} ms\n", limits_.deadline.count())},
         now);
  deadline_ = After(now, limits_.lingering);
}

bool Exchanges::wants_input() const {
  // A request that is being read leaves less than this unconsumed: it is refused before.
  return phase_ != Phase::kClosed && !input_ended_ && input_.size() < limits::kHttpHeaderBytes;
}

void Exchanges::OnInput(std::string_view bytes) {
  SLUICE_CHECK(wants_input());
  if (phase_ == Phase::kLinger) return;
  input_ += bytes;
  if (phase_ != Phase::kAnswer) has_step_ = true;
}

void Exchanges::OnInputEnd() {
  input_ended_ = true;
  // Who still waits for answers gets them, unless they have no end.
  if (phase_ == Phase::kLinger || (phase_ == Phase::kAnswer && long_lived_)) return Close();
  if (phase_ != Phase::kAnswer) has_step_ = true;
}

void Exchanges::OnWake() {
  if (phase_ == Phase::kAnswer && source_ != nullptr && output().empty()) has_step_ = true;
}

void Exchanges::Step(MonotonicTime now) {
  has_step_ = false;
  switch (phase_) {
    case Phase::kFirstByte:
      if (input_.empty()) {
        if (input_ended_) Close();
        return;
      }
      phase_ = Phase::kRequest;
      since_ = now;
      deadline_ = After(now, limits_.deadline);
      reader_ = std::make_unique<RequestReader>(limits_.body_bytes);
      head_only_ = false;
      http_1_1_ = true;
      return ReadRequest(now);
    case Phase::kRequest:
      return ReadRequest(now);
    case Phase::kAnswer:
      if (source_ != nullptr && output().empty()) AskSource(now);
      return;
    case Phase::kLinger:
    case Phase::kClosed:
      return;
  }
}

void Exchanges::ReadRequest(MonotonicTime now) {
  using Read = RequestReader::State;
  while (true) {
    const RequestReader::Step step = reader_->Read(input_);
    input_.erase(0, step.consumed);
    switch (step.state) {
      case Read::kMore:
        if (input_ended_) Close();
        return;
      case Read::kRefused:
        keep_alive_ = false;
        return Answer(reader_->refusal(), now);
      case Read::kHeader: {
        http_1_1_ = reader_->http_1_1();
        head_only_ = reader_->request().method == "HEAD";
        std::optional<Response> early;
        if (handler_->before_body) early = handler_->before_body(reader_->request());
        if (early) {
          const bool body_follows = reader_->Read({}).state != Read::kWhole;
          keep_alive_ = reader_->keep_alive() && !body_follows;
          return Answer(*std::move(early), now);
        }
        // A body that is too large is refused instead of called for.
        if (reader_->awaits_continue() && input_.empty() &&
            reader_->Read({}).state != Read::kRefused) {
          Send(std::string(ContinueLine()));
        }
        continue;
      }
      case Read::kWhole:
        keep_alive_ = reader_->keep_alive();
        return Answer(handler_->answer(reader_->request()), now);
    }
  }
}

void Exchanges::Answer(Response response, MonotonicTime now) {
  reader_ = nullptr;
  phase_ = Phase::kAnswer;
  AnswerFraming framing{
      .body_bytes = std::nullopt, .keep_alive = keep_alive_, .http_1_1 = http_1_1_};
  const bool without_body = response.status == 204 || response.status == 304;
  if (without_body) {
    response.body.clear();
    response.source = nullptr;
  } else if (response.source == nullptr) {
    framing.body_bytes = response.body.size();
  } else if (!http_1_1_) {
    framing.until_close = true;
    framing.keep_alive = keep_alive_ = keep_alive_ && head_only_;
  }
  std::optional<std::string> head = FormatAnswerHead(response, framing);
  if (!head) {
    response = {.status = 500, .body = "the answer cannot be written as HTTP\n"};
    framing.body_bytes = response.body.size();
    framing.until_close = false;
    head = FormatAnswerHead(response, framing);
  }
  Send(*std::move(head));
  if (head_only_ || without_body) {
    response.body.clear();
    response.source = nullptr;
  }
  if (response.body.size() <= kSentTogether) {
    output_ += response.body;
  } else {
    body_ = std::move(response.body);
  }
  source_ = std::move(response.source);
  if (source_ == nullptr) return;
  chunked_ = !framing.until_close;
  long_lived_ = response.long_lived;
  source_->SetWake(wake_);
  if (long_lived_ && input_ended_) return Close();
  AskSource(now);
}

void Exchanges::AskSource(MonotonicTime now) {
  BodySource::Piece piece = source_->Next();
  SLUICE_CHECK(piece.bytes.size() <= limits::kHttpPieceBytes);
  SLUICE_CHECK(piece.state != BodySource::State::kMore || !piece.bytes.empty());
  if (piece.state == BodySource::State::kBroken) return Close();
  if (piece.state == BodySource::State::kNotYet) {
    if (long_lived_ && output().empty()) deadline_ = kNever;
    return;
  }
  if (long_lived_) deadline_ = After(now, limits_.deadline);
  if (!piece.bytes.empty()) Send(chunked_ ? FormatChunk(piece.bytes) : std::move(piece.bytes));
  if (piece.state == BodySource::State::kLast) {
    source_ = nullptr;
    if (chunked_) output_ += LastChunk();
    // A body without chunks may have ended with nothing more to send.
    if (output().empty()) EndAnswer(now);
  }
}

// Behind what is waiting, which is little: a header or `100 Continue`.
void Exchanges::Send(std::string bytes) {
  SLUICE_CHECK(body_.empty());
  if (output_.empty()) {
    output_ = std::move(bytes);
    sent_ = 0;
  } else {
    output_ += bytes;
  }
}

std::string_view Exchanges::output() const {
  if (phase_ == Phase::kClosed) return {};
  return std::string_view(output_.empty() ? body_ : output_).substr(sent_);
}

void Exchanges::OnSent(std::size_t bytes, MonotonicTime now) {
  SLUICE_CHECK(bytes <= output().size());
  sent_ += bytes;
  if (!output().empty()) return;
  // Not kept while the client takes its time.
  (output_.empty() ? body_ : output_) = std::string();
  sent_ = 0;
  if (phase_ != Phase::kAnswer || !body_.empty()) return;
  if (source_ != nullptr) {
    has_step_ = true;
  } else {
    EndAnswer(now);
  }
}

void Exchanges::EndAnswer(MonotonicTime now) {
  answered_ = true;
  long_lived_ = false;
  since_ = now;
  if (keep_alive_) {
    phase_ = Phase::kFirstByte;
    deadline_ = After(now, limits_.idle);
    has_step_ = !input_.empty() || input_ended_;
    return;
  }
  if (input_ended_) return Close();
  phase_ = Phase::kLinger;
  deadline_ = After(now, limits_.lingering);
  input_ = std::string();
}

void Exchanges::Close() {
  phase_ = Phase::kClosed;
  deadline_ = kNever;
  has_step_ = false;
  reader_ = nullptr;
  source_ = nullptr;
  input_ = std::string();
  output_ = std::string();
  body_ = std::string();
}

}  // namespace sluice::http
