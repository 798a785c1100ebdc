#include "common/http/wire.h"

#include <fmt/format.h>
#include <strings.h>

#include <algorithm>
#include <array>
#include <boost/beast/core/buffers_range.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/chunk_encode.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/serializer.hpp>
#include <limits>
#include <utility>

#include "common/base/check.h"
#include "common/base/limits.h"

namespace sluice::http {
namespace {

namespace beast = boost::beast::http;
using BeastError = boost::beast::error_code;
using BeastText = boost::beast::string_view;

std::string_view View(BeastText text) { return {text.data(), text.size()}; }

bool EqualIgnoringCase(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

// RFC 9110 tchar.
bool IsTokenChar(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
         (c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos);
}
bool IsToken(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), IsTokenChar);
}
bool IsVisible(char c) { return c > 0x20 && c < 0x7f; }
bool IsFieldText(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
  });
}

constexpr std::array<std::string_view, 7> kMethods{"GET",   "HEAD",   "POST",   "PUT",
                                                   "PATCH", "DELETE", "OPTIONS"};

// Of an answer these are the server's own.
constexpr std::array<std::string_view, 4> kFramingFields{"Connection", "Content-Length",
                                                         "Content-Type", "Transfer-Encoding"};

// Of a line that Beast does not take for its version: is it HTTP at all?
bool NamesSomeVersion(std::string_view line) {
  if (std::count(line.begin(), line.end(), ' ') != 2) return false;
  const std::string_view version = line.substr(line.rfind(' ') + 1);
  const auto digit = [&](std::size_t i) { return version[i] >= '0' && version[i] <= '9'; };
  return version.size() == 8 && version.starts_with("HTTP/") && digit(5) && version[6] == '.' &&
         digit(7);
}

}  // namespace

// Beast's state machine calls back with what it has read. It is given a request line only when the
// line is whole, and never more than the header may have: its own limit counts from what it
// consumed last, so that fields which come one by one would never reach it.
class RequestReader::Parser final : private beast::basic_parser<true> {
 public:
  explicit Parser(std::size_t body_bytes) : body_bytes_(body_bytes) {
    header_limit(limits::kHttpHeaderBytes);
    // Beast's limit would refuse before anybody has seen the header; ours is body_bytes_.
    body_limit(std::numeric_limits<std::uint64_t>::max());
  }

  Step Read(std::string_view bytes) {
    if (refusal_status_ != 0) return {State::kRefused, 0};
    if (is_header_done()) return ReadBody(bytes);
    if (bytes.empty()) return {State::kMore, 0};
    if (!line_read_) return ReadLine(bytes);
    return ReadFields(bytes, 0);
  }

  const Request& request() const { return request_; }
  bool ClientKeepsAlive() const { return keep_alive(); }
  bool http_1_1() const { return version_ == 11; }
  bool awaits_continue() const { return awaits_continue_ && version_ == 11 && !is_done(); }
  Response refusal() const { return {.status = refusal_status_, .body = refusal_text_ + "\n"}; }

 private:
  Step Refuse(int status, std::string text) {
    refusal_status_ = status;
    refusal_text_ = std::move(text);
    return {State::kRefused, 0};
  }
  // What a callback has refused, or else Beast.
  Step Refused(const BeastError& error) {
    if (refusal_status_ == 0) Refuse(400, fmt::format("not an HTTP request: {}", error.message()));
    return {State::kRefused, 0};
  }

  std::size_t Put(std::string_view bytes, BeastError& error) {
    return put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
  }

  Step ReadLine(std::string_view bytes) {
    if (!IsTokenChar(bytes.front())) return Refuse(400, "not an HTTP request");
    const std::size_t end = bytes.substr(0, limits::kHttpHeaderBytes).find("\r\n");
    if (end == bytes.npos) {
      if (bytes.size() < limits::kHttpHeaderBytes) return {State::kMore, 0};
      return Refuse(414, fmt::format("the path and query must have at most {} bytes",
                                     limits::kHttpTargetBytes));
    }
    const std::string_view line = bytes.substr(0, end + 2);
    BeastError error;
    const std::size_t consumed = Put(line, error);
    if (error == beast::error::bad_version && NamesSomeVersion(line.substr(0, end))) {
      return Refuse(505, "must be HTTP/1.1 or HTTP/1.0");
    }
    if (error != beast::error::need_more) return Refused(error);
    if (consumed != line.size()) return Refuse(400, "not an HTTP request: the line ends too early");
    line_read_ = true;
    header_bytes_ = consumed;
    bytes.remove_prefix(consumed);
    return bytes.empty() ? Step{State::kMore, consumed} : ReadFields(bytes, consumed);
  }

  Step ReadFields(std::string_view bytes, std::size_t consumed) {
    const std::string_view allowed = bytes.substr(0, limits::kHttpHeaderBytes - header_bytes_);
    BeastError error;
    const std::size_t count = Put(allowed, error);
    header_bytes_ += count;
    consumed += count;
    if (error == beast::error::header_limit ||
        (error == beast::error::need_more && allowed.size() < bytes.size())) {
      return Refuse(431,
                    fmt::format("the header must have at most {} bytes", limits::kHttpHeaderBytes));
    }
    if (error == beast::error::need_more) return {State::kMore, consumed};
    if (error) return Refused(error);
    if (const Step refused = CheckHeader(); refused.state == State::kRefused) return refused;
    return {State::kHeader, consumed};
  }

  // What Beast lets through: framing that two readers may read differently, and what we do not do.
  Step CheckHeader() {
    std::size_t hosts = 0;
    for (const Header& header : request_.headers) {
      if (EqualIgnoringCase(header.name, "Host") && ++hosts > 1) {
        return Refuse(400, "must have one Host field");
      }
      if (EqualIgnoringCase(header.name, "Transfer-Encoding")) {
        if (version_ != 11) return Refuse(400, "HTTP/1.0 has no Transfer-Encoding");
        if (!EqualIgnoringCase(header.value, "chunked")) {
          return Refuse(501, "the only Transfer-Encoding known here is chunked");
        }
      }
      if (EqualIgnoringCase(header.name, "Expect")) {
        if (!EqualIgnoringCase(header.value, "100-continue")) {
          return Refuse(417, "the only thing that can be expected here is 100-continue");
        }
        awaits_continue_ = true;
      }
    }
    return {State::kHeader, 0};
  }

  Step ReadBody(std::string_view bytes) {
    if (is_done()) return {State::kWhole, 0};
    if (content_length().value_or(0) > body_bytes_) return RefuseBody();
    std::size_t consumed = 0;
    // A chunked body that has not ended has five bytes to come at least (`0\r\n\r\n`). Beast
    // asserts that it is called with so many, but for the first time.
    while (!is_done() && bytes.size() > (chunked() ? 4 : 0)) {
      BeastError error;
      const std::size_t count = Put(bytes, error);
      consumed += count;
      bytes.remove_prefix(count);
      if (error == beast::error::need_more) {
        if (bytes.size() < limits::kHttpHeaderBytes) break;
        return Refuse(400, fmt::format("the line before a chunk, and what follows the last one, "
                                       "must have at most {} bytes",
                                       limits::kHttpHeaderBytes));
      }
      if (error) return Refused(error);
    }
    return {is_done() ? State::kWhole : State::kMore, consumed};
  }

  Step RefuseBody() {
    return Refuse(413, body_bytes_ == 0
                           ? std::string("no body is taken here")
                           : fmt::format("the body must have at most {} bytes", body_bytes_));
  }

  void on_request_impl(beast::verb, BeastText method, BeastText target, int version,
                       BeastError& error) override {
    version_ = version;
    request_.method = View(method);
    request_.target = View(target);
    if (!request_.target.starts_with('/') ||
        !std::all_of(request_.target.begin(), request_.target.end(), IsVisible)) {
      Refuse(400, "must ask for a path");
    } else if (request_.target.size() > limits::kHttpTargetBytes) {
      Refuse(414, fmt::format("the path and query must have at most {} bytes",
                              limits::kHttpTargetBytes));
    } else if (std::find(kMethods.begin(), kMethods.end(), request_.method) == kMethods.end()) {
      Refuse(501, fmt::format("the method must be one of {}", fmt::join(kMethods, ", ")));
    }
    if (refusal_status_ != 0) error = beast::error::bad_target;
  }
  void on_field_impl(beast::field, BeastText name, BeastText value, BeastError& error) override {
    if (is_header_done()) return;  // A trailer: nobody here asks for one.
    if (request_.headers.size() == limits::kHttpHeaderFields) {
      Refuse(431, fmt::format("the header must have at most {} fields", limits::kHttpHeaderFields));
      error = beast::error::header_limit;
      return;
    }
    request_.headers.push_back({std::string(View(name)), std::string(View(value))});
  }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, BeastError&) override {}
  std::size_t on_body_impl(BeastText bytes, BeastError&) override {
    request_.body += View(bytes);
    return bytes.size();
  }
  void on_chunk_header_impl(std::uint64_t size, BeastText, BeastError& error) override {
    if (size <= body_bytes_ - request_.body.size()) return;
    RefuseBody();
    error = beast::error::body_limit;
  }
  std::size_t on_chunk_body_impl(std::uint64_t, BeastText bytes, BeastError&) override {
    request_.body += View(bytes);
    return bytes.size();
  }
  void on_header_impl(BeastError&) override {}
  void on_finish_impl(BeastError&) override {}
  void on_response_impl(int, BeastText, int, BeastError&) override {}  // Of answers.

  const std::size_t body_bytes_;
  Request request_;
  int version_ = 0;
  bool line_read_ = false;
  bool awaits_continue_ = false;
  std::size_t header_bytes_ = 0;  // Consumed.
  int refusal_status_ = 0;        // 0: not refused.
  std::string refusal_text_;
};

RequestReader::RequestReader(std::size_t body_bytes)
    : parser_(std::make_unique<Parser>(body_bytes)) {}
RequestReader::~RequestReader() = default;
RequestReader::Step RequestReader::Read(std::string_view bytes) { return parser_->Read(bytes); }
const Request& RequestReader::request() const { return parser_->request(); }
bool RequestReader::keep_alive() const { return parser_->ClientKeepsAlive(); }
bool RequestReader::http_1_1() const { return parser_->http_1_1(); }
bool RequestReader::awaits_continue() const { return parser_->awaits_continue(); }
Response RequestReader::refusal() const { return parser_->refusal(); }

std::optional<std::string> FormatAnswerHead(const Response& response,
                                            const AnswerFraming& framing) {
  if (response.status < 200 || response.status > 599) return std::nullopt;
  std::size_t bytes = response.content_type.size();
  if (!IsFieldText(response.content_type)) return std::nullopt;
  for (const Header& header : response.headers) {
    if (!IsToken(header.name) || !IsFieldText(header.value)) return std::nullopt;
    for (const std::string_view framing_field : kFramingFields) {
      if (EqualIgnoringCase(header.name, framing_field)) return std::nullopt;
    }
    bytes += header.name.size() + header.value.size();
  }
  if (bytes > limits::kHttpAnswerHeaderBytes) return std::nullopt;

  // Always 1.1: what we are, not what the client is (RFC 9110 §6.2).
  beast::response<beast::empty_body> head(static_cast<beast::status>(response.status), 11);
  if (!response.content_type.empty()) head.set(beast::field::content_type, response.content_type);
  for (const Header& header : response.headers) head.insert(header.name, header.value);
  if (head.count(beast::field::cache_control) == 0) {
    head.set(beast::field::cache_control, "no-store");
  }
  if (framing.body_bytes) {
    head.set(beast::field::content_length, std::to_string(*framing.body_bytes));
  } else if (!framing.until_close && response.status != 204 && response.status != 304) {
    head.set(beast::field::transfer_encoding, "chunked");
  }
  if (!framing.keep_alive) {
    head.set(beast::field::connection, "close");
  } else if (!framing.http_1_1) {
    head.set(beast::field::connection, "keep-alive");
  }

  beast::response_serializer<beast::empty_body> serializer(head);
  serializer.split(true);
  std::string text;
  BeastError error;
  while (!serializer.is_header_done()) {
    serializer.next(error, [&](BeastError&, const auto& buffers) {
      for (const boost::asio::const_buffer buffer : boost::beast::buffers_range_ref(buffers)) {
        text.append(static_cast<const char*>(buffer.data()), buffer.size());
      }
      serializer.consume(boost::asio::buffer_size(buffers));
    });
    SLUICE_CHECK(!error);
  }
  return text;
}

std::string FormatChunk(std::string_view bytes) {
  SLUICE_CHECK(!bytes.empty());
  std::string text;
  text.reserve(bytes.size() + 32);
  const auto chunk = beast::make_chunk(boost::asio::const_buffer(bytes.data(), bytes.size()));
  for (const boost::asio::const_buffer buffer : boost::beast::buffers_range_ref(chunk)) {
    text.append(static_cast<const char*>(buffer.data()), buffer.size());
  }
  return text;
}

std::string_view LastChunk() { return "0\r\n\r\n"; }
std::string_view ContinueLine() { return "HTTP/1.1 100 Continue\r\n\r\n"; }

}  // namespace sluice::http
