// The little HTTP/1.1 that status pages need: one request without a body, one response, and the
// connection is closed. Pure: bytes in, values out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/error.h"

namespace sluice::dataplane {

struct HttpRequest {
  std::string method;
  std::string target;

  // The target without its query.
  std::string_view path() const { return std::string_view(target).substr(0, target.find('?')); }
};

struct HttpResponse {
  int status = 200;
  std::string body;
  std::string_view content_type = "text/plain; charset=utf-8";
  std::string_view allow = {};  // For 405.
};

// Reads the request that `bytes` begin with. No value yet: more bytes are needed; the caller bounds
// how many there may be. A body is not read. An error is worth a 400.
Result<std::optional<HttpRequest>> ParseHttpRequest(std::string_view bytes);

// The whole response; without its body when the request was HEAD.
std::string FormatHttpResponse(const HttpResponse& response, bool head);

}  // namespace sluice::dataplane
