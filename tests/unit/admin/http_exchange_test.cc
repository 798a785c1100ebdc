#include "dataplane/admin/http_exchange.h"

#include <gtest/gtest.h>

#include <string>

namespace sluice::dataplane {
namespace {

bool NeedsMore(std::string_view bytes) {
  const auto parsed = ParseHttpRequest(bytes);
  return parsed.has_value() && !parsed->has_value();
}
bool IsRefused(std::string_view bytes) { return !ParseHttpRequest(bytes).has_value(); }

TEST(HttpRequest, IsReadWithItsMethodPathAndQuery) {
  const auto parsed = ParseHttpRequest("GET /metrics?format=text HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(parsed.has_value() && parsed->has_value());
  EXPECT_EQ((*parsed)->method, "GET");
  EXPECT_EQ((*parsed)->target, "/metrics?format=text");
  EXPECT_EQ((*parsed)->path(), "/metrics");
}

TEST(HttpRequest, NeedsNoHeaders) {
  const auto parsed = ParseHttpRequest("GET / HTTP/1.0\r\n\r\n");
  ASSERT_TRUE(parsed.has_value() && parsed->has_value());
  EXPECT_EQ((*parsed)->path(), "/");
}

TEST(HttpRequest, IsNotThereBeforeItsLastByte) {
  const std::string request = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
  for (std::size_t size = 0; size < request.size(); ++size) {
    EXPECT_TRUE(NeedsMore(request.substr(0, size))) << size << " bytes";
  }
}

TEST(HttpRequest, EndsWhereTheNextOneBegins) {
  const auto parsed = ParseHttpRequest("GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(parsed.has_value() && parsed->has_value());
  EXPECT_EQ((*parsed)->path(), "/a");
}

TEST(HttpRequest, IsRefusedAsSoonAsItsFirstLineIsWrong) {
  for (const std::string_view line :
       {"", "GET", "GET /", "GET / HTTP/2.0", "GET / HTTP/1.", "GET / HTTP/1.11", "GET / http/1.1",
        "GET  HTTP/1.1", " / HTTP/1.1", "GET healthz HTTP/1.1", "GET http://host/ HTTP/1.1",
        "GET * HTTP/1.1", "GET /a b HTTP/1.1", "GET /\x01 HTTP/1.1", "GET /\xff HTTP/1.1",
        "G\tT / HTTP/1.1", "GET /\r HTTP/1.1", "\x16\x03\x01\x02"}) {
    EXPECT_TRUE(IsRefused(std::string(line) + "\r\n")) << line;
  }
}

TEST(HttpResponse, SaysHowLongItIsAndThatNothingFollows) {
  EXPECT_EQ(FormatHttpResponse({.status = 503, .body = "not yet\n"}, /*head=*/false),
            "HTTP/1.1 503 Service Unavailable\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            "Content-Length: 8\r\n"
            "Cache-Control: no-store\r\n"
            "Connection: close\r\n\r\n"
            "not yet\n");
}

TEST(HttpResponse, ToHeadIsTheSameWithoutTheBody) {
  const HttpResponse response{.status = 200, .body = "ok\n"};
  const std::string whole = FormatHttpResponse(response, /*head=*/false);
  EXPECT_EQ(FormatHttpResponse(response, /*head=*/true), whole.substr(0, whole.size() - 3));
}

}  // namespace
}  // namespace sluice::dataplane
