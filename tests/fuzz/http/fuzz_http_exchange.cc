// Whatever a client sends, in any pieces, at any time: a handler sees only what message.h promises,
// what it sees does not depend on the pieces, what is sent is answers and nothing else, no more is
// held than the bounds say, and every connection ends.
#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/check.h"
#include "common/base/limits.h"
#include "common/http/exchanges.h"
#include "tests/fuzz/pieces.h"

using namespace sluice;
using namespace sluice::http;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kBodyBytes = 300;

// Two pieces, the second only when woken.
class Stream final : public BodySource {
 public:
  void SetWake(std::function<void()> wake) override { wake_ = std::move(wake); }
  Piece Next() override {
    switch (asked_++) {
      case 0:
        return {State::kMore, "one"};
      case 1:
        wake_();
        return {State::kNotYet};
      default:
        return {State::kLast, "two"};
    }
  }

 private:
  int asked_ = 0;
  std::function<void()> wake_;
};

bool IsText(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == text.npos;
}

// A connection and what has come of it.
class Run {
 public:
  void Give(std::string_view bytes) {
    for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), limits::kHttpReadBytes))) {
      while (!exchanges_.wants_input() && Take(exchanges_.output().size())) {
      }
      if (!exchanges_.wants_input()) return;
      exchanges_.OnInput(bytes.substr(0, limits::kHttpReadBytes));
      Steps();
    }
  }
  // False: nothing to take.
  bool Take(std::size_t bytes) {
    const std::string_view output = exchanges_.output();
    if (output.empty()) return false;
    bytes = std::clamp<std::size_t>(bytes, 1, output.size());
    heard_ += output.substr(0, bytes);
    exchanges_.OnSent(bytes, now_);
    Steps();
    return true;
  }
  void TakeHalf() { Take(exchanges_.output().size() / 2); }
  void Pass(std::chrono::seconds time) {
    now_ += time;
    exchanges_.OnTime(now_);
    Steps();
  }
  void Finish() {
    while (Take(exchanges_.output().size())) {
    }
    if (exchanges_.wants_input()) exchanges_.OnInputEnd();
    Steps();
    while (Take(exchanges_.output().size())) {
    }
    // A stream may wait for a wake, a client that is read no more for its time.
    for (int i = 0; i < 4 && exchanges_.state() != Exchanges::State::kClosed; ++i) {
      now_ = std::max(now_, exchanges_.deadline());
      exchanges_.OnTime(now_);
    }
    SLUICE_CHECK(exchanges_.state() == Exchanges::State::kClosed);
    CheckAnswers();
  }
  const std::vector<std::string>& asked() const { return asked_; }

 private:
  void Steps() {
    do {
      if (std::exchange(woken_, false)) exchanges_.OnWake();
      while (exchanges_.has_step()) exchanges_.Step(now_);
    } while (woken_);
    SLUICE_CHECK(exchanges_.output().size() <= 2 * kBodyBytes + limits::kHttpAnswerHeaderBytes);
  }

  void CheckRequest(const Request& request) {
    SLUICE_CHECK(request.target.starts_with('/'));
    SLUICE_CHECK(request.target.size() <= limits::kHttpTargetBytes);
    for (const char c : request.target) SLUICE_CHECK(c > 0x20 && c < 0x7f);
    SLUICE_CHECK(request.headers.size() <= limits::kHttpHeaderFields);
    std::size_t header_bytes = request.target.size();
    for (const Header& header : request.headers) {
      SLUICE_CHECK(!header.name.empty() && IsText(header.name) && IsText(header.value));
      header_bytes += header.name.size() + header.value.size();
    }
    SLUICE_CHECK(header_bytes <= limits::kHttpHeaderBytes);
    SLUICE_CHECK(request.body.size() <= kBodyBytes);
  }

  Response Answer(const Request& request) {
    CheckRequest(request);
    asked_.push_back(request.method + ' ' + request.target + ' ' + request.body);
    if (request.path() == "/stream") return {.source = std::make_unique<Stream>()};
    if (request.path() == "/watch") {
      return {.source = std::make_unique<Stream>(), .long_lived = true};
    }
    // A handler that is careless with what the client says.
    return {.headers = {{"Echo", std::string(request.query())}, {"Body", request.body}},
            .body = std::string(request.body.size(), 'b')};
  }

  // Heads as the server writes them, each with the body that it announces; the last may be cut.
  void CheckAnswers() const {
    std::string_view rest = heard_;
    while (!rest.empty()) {
      const std::size_t end = rest.find("\r\n\r\n");
      SLUICE_CHECK(rest.starts_with(std::string_view("HTTP/1.1 ").substr(0, rest.size())));
      if (end == rest.npos) return;
      const std::string_view head = rest.substr(0, end + 2);
      rest.remove_prefix(end + 4);
      if (head.starts_with("HTTP/1.1 100 ")) continue;
      if (head.find("\r\nTransfer-Encoding: chunked\r\n") != head.npos) {
        SLUICE_CHECK(head.find("\r\nContent-Length: ") == head.npos);
        const std::string_view chunks = "3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n";
        if (rest.starts_with("HTTP/1.1 ")) continue;  // To HEAD.
        const std::size_t sent = std::min(rest.size(), chunks.size());
        SLUICE_CHECK(rest.substr(0, sent) == chunks.substr(0, sent));
        rest.remove_prefix(sent);
        continue;
      }
      const std::string_view name = "\r\nContent-Length: ";
      const std::size_t at = head.find(name);
      if (at == head.npos) return;  // A stream to HTTP/1.0: until the end.
      const std::size_t length = std::stoul(std::string(head.substr(at + name.size(), 5)));
      if (rest.starts_with("HTTP/1.1 ")) continue;  // To HEAD.
      rest.remove_prefix(std::min(rest.size(), length));
    }
  }

  MonotonicTime now_{1h};
  bool woken_ = false;
  std::vector<std::string> asked_;
  std::string heard_;
  const Handler handler_{.before_body = [this](const Request& r) -> std::optional<Response> {
                           CheckRequest(r);
                           SLUICE_CHECK(r.body.empty());
                           if (r.path() != "/early") return std::nullopt;
                           return Response{.status = 403};
                         },
                         .answer = [this](const Request& r) { return Answer(r); }};
  Exchanges exchanges_{handler_, {.body_bytes = kBodyBytes}, [this] { woken_ = true; }, now_};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Run in_pieces;
  std::string all;
  bool time_passed = false;
  for (const std::string_view piece : test::PiecesOf(data, size)) {
    if (piece.empty()) {
      time_passed = true;
      in_pieces.Pass(4s);
    } else if (piece == "\1") {
      in_pieces.TakeHalf();
    } else {
      in_pieces.Give(piece);
      all += piece;
    }
  }
  in_pieces.Finish();
  Run at_once;
  at_once.Give(all);
  at_once.Finish();
  // A line that is longer than a bound may be seen whole or not.
  if (!time_passed && all.size() < limits::kHttpHeaderBytes) {
    SLUICE_CHECK(in_pieces.asked() == at_once.asked());
  }
  return 0;
}
