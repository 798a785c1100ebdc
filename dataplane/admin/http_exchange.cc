#include "dataplane/admin/http_exchange.h"

#include <fmt/format.h>

#include <algorithm>

namespace sluice::dataplane {
namespace {

std::string_view ReasonPhrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 431:
      return "Request Header Fields Too Large";
    case 503:
      return "Service Unavailable";
    default:
      return "Error";
  }
}

// Any minor version is answered as 1.1.
bool IsVersion(std::string_view text) {
  return text.size() == 8 && text.starts_with("HTTP/1.") && text[7] >= '0' && text[7] <= '9';
}

bool IsVisible(char c) { return c > 0x20 && c < 0x7f; }

}  // namespace

Result<std::optional<HttpRequest>> ParseHttpRequest(std::string_view bytes) {
  const std::size_t line_end = bytes.find("\r\n");
  if (line_end == bytes.npos) return std::nullopt;
  const std::string_view line = bytes.substr(0, line_end);
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == line.npos || first == last || !IsVersion(line.substr(last + 1))) {
    return Fail(ErrorCode::kInvalidArgument, "must be an HTTP/1.1 request");
  }
  HttpRequest request{std::string(line.substr(0, first)),
                      std::string(line.substr(first + 1, last - first - 1))};
  const bool visible = std::all_of(request.method.begin(), request.method.end(), IsVisible) &&
                       std::all_of(request.target.begin(), request.target.end(), IsVisible);
  if (request.method.empty() || !request.target.starts_with('/') || !visible) {
    return Fail(ErrorCode::kInvalidArgument, "must ask for a path");
  }
  if (bytes.find("\r\n\r\n") == bytes.npos) return std::nullopt;
  return request;
}

std::string FormatHttpResponse(const HttpResponse& response, bool head) {
  std::string text = fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n",
      response.status, ReasonPhrase(response.status), response.content_type, response.body.size());
  if (!response.allow.empty()) text += fmt::format("Allow: {}\r\n", response.allow);
  text += "Connection: close\r\n\r\n";
  if (!head) text += response.body;
  return text;
}

}  // namespace sluice::dataplane
