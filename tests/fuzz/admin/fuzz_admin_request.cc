// Requests to the admin address: what is known of a request does not change when more bytes come.
#include <optional>
#include <string>
#include <string_view>

#include "common/base/check.h"
#include "dataplane/admin/admin_pages.h"

using namespace sluice;
using namespace sluice::dataplane;

namespace {

bool Same(const HttpRequest& a, const HttpRequest& b) {
  return a.method == b.method && a.target == b.target;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto parsed = ParseHttpRequest(bytes);
  const auto earlier = ParseHttpRequest(bytes.substr(0, size / 2));
  if (!earlier) SLUICE_CHECK(!parsed);
  if (earlier && *earlier) SLUICE_CHECK(parsed && *parsed && Same(**earlier, **parsed));
  if (!parsed) return 0;
  SLUICE_CHECK(parsed->has_value() == (bytes.find("\r\n\r\n") != bytes.npos));
  if (!*parsed) return 0;

  const AdminHooks hooks{.not_ready = [] { return std::optional<std::string>("not yet"); },
                         .config = [] { return std::string("{}"); },
                         .metrics = [] { return std::string(); }};
  const HttpRequest& request = **parsed;
  SLUICE_CHECK(request.path().starts_with('/'));
  const HttpResponse response = AnswerAdmin(request, hooks);
  const std::string text = FormatHttpResponse(response, request.method == "HEAD");
  // One header and then exactly the body: nothing of the request reaches the answer.
  SLUICE_CHECK(text.starts_with("HTTP/1.1 "));
  const std::size_t body = text.find("\r\n\r\n") + 4;
  SLUICE_CHECK(text.substr(body) == (request.method == "HEAD" ? "" : response.body));
  return 0;
}
