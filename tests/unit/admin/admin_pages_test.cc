#include "dataplane/admin/admin_pages.h"

#include <gtest/gtest.h>

#include <string>

namespace sluice::dataplane {
namespace {

class AdminPagesTest : public ::testing::Test {
 protected:
  http::Response Ask(const std::string& method, const std::string& target) {
    return AnswerAdmin({.method = method, .target = target, .headers = {}, .body = {}}, hooks_);
  }
  http::Response Get(const std::string& target) { return Ask("GET", target); }

  Readiness readiness_{true, ""};
  const AdminHooks hooks_{.readiness = [this] { return readiness_; },
                          .config = [] { return std::string("{}\n"); },
                          .metrics = [] { return std::string("up 1\n"); }};
};

TEST_F(AdminPagesTest, HealthIsOkWhateverTheReadiness) {
  readiness_ = {false, "shutting down"};
  EXPECT_EQ(Get("/healthz").status, 200);
}

TEST_F(AdminPagesTest, ReadinessIs503WithTheReasonUntilThereIsNone) {
  readiness_ = {false, "no complete configuration yet"};
  EXPECT_EQ(Get("/readyz").status, 503);
  EXPECT_EQ(Get("/readyz").body, "no complete configuration yet\n");
  readiness_ = {true, ""};
  EXPECT_EQ(Get("/readyz").status, 200);
  EXPECT_EQ(Get("/readyz").body, "ready\n");
}

TEST_F(AdminPagesTest, ReadinessSaysWhatIsNotServed) {
  readiness_ = {true, "listener/default/a: AddressInUse"};
  EXPECT_EQ(Get("/readyz").status, 200);
  EXPECT_EQ(Get("/readyz").body, "ready\nlistener/default/a: AddressInUse\n");
}

TEST_F(AdminPagesTest, MetricsAndConfigSayWhatTheyAre) {
  EXPECT_EQ(Get("/metrics").body, "up 1\n");
  EXPECT_EQ(Get("/metrics").content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(Get("/config").body, "{}\n");
  EXPECT_EQ(Get("/config").content_type, "application/json");
}

TEST_F(AdminPagesTest, TheIndexNamesEveryPage) {
  for (const char* page : {"/healthz", "/readyz", "/metrics", "/config"}) {
    EXPECT_NE(Get("/").body.find(page), std::string::npos) << page;
    EXPECT_EQ(Get(page).status, 200) << page;
  }
}

TEST_F(AdminPagesTest, AQueryDoesNotChangeThePage) { EXPECT_EQ(Get("/healthz?x=1").status, 200); }

TEST_F(AdminPagesTest, OtherPathsAreNotFoundWhateverTheMethod) {
  for (const char* path : {"/health", "/healthz/", "//healthz", "/../healthz", "/METRICS"}) {
    EXPECT_EQ(Get(path).status, 404) << path;
  }
  EXPECT_EQ(Ask("DELETE", "/nothing").status, 404);
}

TEST_F(AdminPagesTest, OtherMethodsAreRefusedAndToldWhichAreAllowed) {
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "get"}) {
    const http::Response response = Ask(method, "/config");
    EXPECT_EQ(response.status, 405) << method;
    EXPECT_EQ(http::FindHeader(response.headers, "allow"), "GET, HEAD");
  }
}

TEST_F(AdminPagesTest, WhatIsRefusedIsKnownWithoutAskingAnyPage) {
  EXPECT_EQ(RefuseAdmin({.method = "POST", .target = "/config", .headers = {}, .body = {}})->status,
            405);
  EXPECT_EQ(RefuseAdmin({.method = "GET", .target = "/no", .headers = {}, .body = {}})->status,
            404);
  EXPECT_FALSE(RefuseAdmin({.method = "HEAD", .target = "/config", .headers = {}, .body = {}}));
}

}  // namespace
}  // namespace sluice::dataplane
