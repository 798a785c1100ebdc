// Requests and answers as values, and what answers them. What stands here is all that a handler
// sees of HTTP.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::http {

struct Header {
  std::string name;
  std::string value;
};

// The value of the first of that name, whatever its case.
std::optional<std::string_view> FindHeader(const std::vector<Header>& headers,
                                           std::string_view name);

// As it came: nothing is percent-decoded. The method is one of RFC 9110 (but CONNECT and TRACE) or
// PATCH, the target begins with '/' and is visible ASCII, all within the bounds of the server.
struct Request {
  std::string method;
  std::string target;
  std::vector<Header> headers;
  std::string body;

  // The target without its query.
  std::string_view path() const;
  // What follows the first '?'; empty without one.
  std::string_view query() const;
  std::optional<std::string_view> Find(std::string_view name) const {
    return FindHeader(headers, name);
  }
};

// A body that is made while the client reads it. Called by the server's thread; destroyed by it
// when it has ended, the client has gone or the deadline has passed, whichever is first.
class BodySource {
 public:
  enum class State {
    kMore,    // Bytes, one at least; there will be more.
    kLast,    // Bytes, or none; the body ends with them.
    kNotYet,  // No bytes now. `wake` was or will be called when there are.
    kBroken,  // The body cannot be finished; the connection is cut so that the client knows.
  };
  struct Piece {
    State state = State::kLast;
    std::string bytes = {};  // At most limits::kHttpPieceBytes.
  };

  virtual ~BodySource() = default;
  // Called once, before Next(). `wake` has Next() called again after kNotYet. It may be called from
  // any thread, more often than needed, and after this source and the server have gone; it does not
  // block.
  virtual void SetWake(std::function<void()> wake) = 0;
  // The next piece. Called when the client's socket has taken all before, so that no more than a
  // piece is ever held. Must not block.
  virtual Piece Next() = 0;
};

struct Response {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";  // Not sent when empty.
  // Beside those that are the server's own: Content-Type, Content-Length, Transfer-Encoding and
  // Connection. Without a Cache-Control among them `no-store` is sent. What HTTP cannot carry turns
  // the answer into a 500.
  std::vector<Header> headers = {};
  std::string body = {};
  std::unique_ptr<BodySource> source = nullptr;  // Instead of `body`.
  // With a source: its end is not awaited within the deadline of the exchange. Each piece has to be
  // taken within it, and a client that ends its side is gone. For watches.
  bool long_lived = false;
};

// What a server answers. Called by its thread, so neither may block for long: nobody else is
// answered meanwhile.
struct Handler {
  // Sees the request before its body is read. An answer refuses it: `answer` is not asked, and a
  // body is never read, so that the connection ends where there is one. May be empty.
  std::function<std::optional<Response>(const Request&)> before_body = {};
  std::function<Response(const Request&)> answer;
};

}  // namespace sluice::http
