// HTTP/1 as bytes: Boost.Beast's parser and serializer behind plain types, and the bounds and
// refusals that they leave to their caller. wire.cc is the only file that sees Beast. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/http/message.h"

namespace sluice::http {

// Reads one request from bytes that come in any pieces. The bounds are limits::kHttp…; what goes
// over them or is no request ends in kRefused, after which nothing is read any more.
class RequestReader {
 public:
  // `body_bytes`: the most a body may have.
  explicit RequestReader(std::size_t body_bytes);
  ~RequestReader();

  enum class State : std::uint8_t {
    kMore,     // What was not consumed has to be given again, with more behind it.
    kHeader,   // Once: all but the body has been read. The body comes with the next calls.
    kWhole,    // The request is complete; what was not consumed is not part of it.
    kRefused,  // refusal() says why.
  };
  struct Step {
    State state;
    std::size_t consumed;
  };
  Step Read(std::string_view bytes);

  // From kHeader on, but for the body.
  const Request& request() const;
  // From kHeader on. Whether the client takes another answer on this connection.
  bool keep_alive() const;
  // From kHeader on. False: HTTP/1.0, which knows no chunks.
  bool http_1_1() const;
  // From kHeader on. The client waits for `100 Continue` before it sends the body.
  bool awaits_continue() const;
  // After kRefused: 400, 413, 414, 417, 431, 501 or 505, and a sentence.
  Response refusal() const;

 private:
  class Parser;
  const std::unique_ptr<Parser> parser_;
};

struct AnswerFraming {
  // Nothing: the body is chunked, or with `until_close` lasts as long as the connection.
  std::optional<std::size_t> body_bytes;
  bool until_close = false;
  bool keep_alive = true;
  bool http_1_1 = true;  // The request's version.
};

// The status line and the fields, with the empty line behind them. Nothing when the response has a
// status or a field that HTTP cannot carry (a line break in a value, say), one of the server's own
// fields, or more fields than limits::kHttpAnswerHeaderBytes.
std::optional<std::string> FormatAnswerHead(const Response& response, const AnswerFraming& framing);

// `bytes` are not empty.
std::string FormatChunk(std::string_view bytes);
std::string_view LastChunk();

// `100 Continue`.
std::string_view ContinueLine();

}  // namespace sluice::http
