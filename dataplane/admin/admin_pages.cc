#include "dataplane/admin/admin_pages.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace sluice::dataplane {
namespace {

struct Page {
  std::string_view path;
  std::string_view content_type;
  http::Response (*answer)(const AdminHooks& hooks);
};

http::Response Index(const AdminHooks&) {
  return {.status = 200,
          .body =
              "/healthz  200 while the process lives\n"
              "/readyz   200 when it serves a configuration, and what of it not; else 503 and why\n"
              "/metrics  Prometheus text\n"
              "/config   what is in force, as JSON\n"};
}
http::Response Health(const AdminHooks&) { return {.status = 200, .body = "ok\n"}; }
http::Response Ready(const AdminHooks& hooks) {
  const Readiness readiness = hooks.readiness();
  if (!readiness.ready) return {.status = 503, .body = readiness.text + "\n"};
  return {.status = 200, .body = "ready\n" + (readiness.text.empty() ? "" : readiness.text + "\n")};
}
http::Response Metrics(const AdminHooks& hooks) { return {.status = 200, .body = hooks.metrics()}; }
http::Response Config(const AdminHooks& hooks) { return {.status = 200, .body = hooks.config()}; }

constexpr std::string_view kText = "text/plain; charset=utf-8";
constexpr std::array kPages = std::to_array<Page>({
    {"/", kText, Index},
    {"/healthz", kText, Health},
    {"/readyz", kText, Ready},
    {"/metrics", "text/plain; version=0.0.4; charset=utf-8", Metrics},
    {"/config", "application/json", Config},
});

const Page* FindPage(std::string_view path) {
  const auto* page =
      std::find_if(kPages.begin(), kPages.end(), [&](const Page& p) { return p.path == path; });
  return page == kPages.end() ? nullptr : page;
}

}  // namespace

std::optional<http::Response> RefuseAdmin(const http::Request& request) {
  if (FindPage(request.path()) == nullptr) {
    return http::Response{.status = 404, .body = "no such page; see /\n"};
  }
  if (request.method != "GET" && request.method != "HEAD") {
    return http::Response{.status = 405,
                          .headers = {{"Allow", "GET, HEAD"}},
                          .body = "only GET and HEAD are allowed here\n"};
  }
  return std::nullopt;
}

http::Response AnswerAdmin(const http::Request& request, const AdminHooks& hooks) {
  if (auto refusal = RefuseAdmin(request)) return *std::move(refusal);
  const Page& page = *FindPage(request.path());
  http::Response response = page.answer(hooks);
  response.content_type = page.content_type;
  return response;
}

}  // namespace sluice::dataplane
