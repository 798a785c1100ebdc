#include "dataplane/admin/admin_pages.h"

#include <array>
#include <string_view>

namespace sluice::dataplane {
namespace {

struct Page {
  std::string_view path;
  std::string_view content_type;
  HttpResponse (*answer)(const AdminHooks& hooks);
};

HttpResponse Index(const AdminHooks&) {
  return {.status = 200,
          .body =
              "/healthz  200 while the process lives\n"
              "/readyz   200 when it serves a configuration, else 503 and why\n"
              "/metrics  Prometheus text\n"
              "/config   what is in force, as JSON\n"};
}
HttpResponse Health(const AdminHooks&) { return {.status = 200, .body = "ok\n"}; }
HttpResponse Ready(const AdminHooks& hooks) {
  const std::optional<std::string> reason = hooks.not_ready();
  if (reason) return {.status = 503, .body = *reason + "\n"};
  return {.status = 200, .body = "ready\n"};
}
HttpResponse Metrics(const AdminHooks& hooks) { return {.status = 200, .body = hooks.metrics()}; }
HttpResponse Config(const AdminHooks& hooks) { return {.status = 200, .body = hooks.config()}; }

constexpr std::string_view kText = "text/plain; charset=utf-8";
constexpr std::array kPages = std::to_array<Page>({
    {"/", kText, Index},
    {"/healthz", kText, Health},
    {"/readyz", kText, Ready},
    {"/metrics", "text/plain; version=0.0.4; charset=utf-8", Metrics},
    {"/config", "application/json", Config},
});

}  // namespace

HttpResponse AnswerAdmin(const HttpRequest& request, const AdminHooks& hooks) {
  const std::string_view path = request.path();
  for (const Page& page : kPages) {
    if (page.path != path) continue;
    if (request.method != "GET" && request.method != "HEAD") {
      return {.status = 405, .body = "only GET and HEAD are allowed here\n", .allow = "GET, HEAD"};
    }
    HttpResponse response = page.answer(hooks);
    response.content_type = page.content_type;
    return response;
  }
  return {.status = 404, .body = "no such page; see /\n"};
}

}  // namespace sluice::dataplane
