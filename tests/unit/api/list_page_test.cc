#include "controlplane/api/list_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "common/base/limits.h"
#include "tests/support/fake_fleet.h"
#include "tests/support/memory_store.h"
#include "tests/support/sample_resources.h"

namespace sluice::controlplane {
namespace {

using test::AsChange;
using test::SampleUpstream;
using testing::ElementsAre;

class ListPageTest : public testing::Test {
 protected:
  void Commit(std::vector<model::Change> changes) {
    ASSERT_TRUE(catalog_->Commit(catalog_->Current()->generation, std::move(changes)));
  }
  v1::ListResponse List(const v1::ListRequest& request) {
    auto page = ListPage(request, view_);
    EXPECT_TRUE(page) << page.error().message;
    return page ? *page : v1::ListResponse();
  }
  static v1::ListRequest Upstreams(int page_size = 0) {
    v1::ListRequest request;
    request.set_kind("Upstream");
    request.set_page_size(page_size);
    return request;
  }
  static std::vector<std::string> Names(const v1::ListResponse& response) {
    std::vector<std::string> names;
    for (const auto& any : response.resources())
      names.push_back(model::Resource::FromAny(any)->key().name);
    return names;
  }

  test::MemoryStore store_;
  std::unique_ptr<Catalog> catalog_ = Catalog::Load(store_).value();
  test::FakeFleet fleet_;
  ResourceView view_{*catalog_, fleet_};
};

TEST_F(ListPageTest, GivesEverythingInNameOrderWithTheGeneration) {
  Commit({AsChange(SampleUpstream("b")), AsChange(SampleUpstream("a"))});
  const auto page = List(Upstreams());
  EXPECT_THAT(Names(page), ElementsAre("a", "b"));
  EXPECT_EQ(page.generation(), 1);
  EXPECT_EQ(page.next_page_token(), "");
}

TEST_F(ListPageTest, FillsInTheStatusOfTheMoment) {
  Commit({AsChange(SampleUpstream("a"))});
  fleet_.SetSynced(test::KeyOf(SampleUpstream("a")), "3/3");
  v1::Upstream got;
  ASSERT_TRUE(List(Upstreams()).resources(0).UnpackTo(&got));
  EXPECT_EQ(got.status().conditions(0).message(), "3/3");
}

TEST_F(ListPageTest, PagesAreStableWhileObjectsComeAndGo) {
  Commit({AsChange(SampleUpstream("a")), AsChange(SampleUpstream("c")),
          AsChange(SampleUpstream("e")), AsChange(SampleUpstream("g"))});
  v1::ListRequest request = Upstreams(2);
  const auto first = List(request);
  EXPECT_THAT(Names(first), ElementsAre("a", "c"));

  Commit({test::Removal(SampleUpstream("c")), AsChange(SampleUpstream("b")),
          AsChange(SampleUpstream("f"))});
  request.set_page_token(first.next_page_token());
  const auto second = List(request);
  EXPECT_THAT(Names(second), ElementsAre("e", "f"));
  EXPECT_EQ(second.generation(), first.generation())
      << "a watch from the first page misses nothing";
  request.set_page_token(second.next_page_token());
  const auto third = List(request);
  EXPECT_THAT(Names(third), ElementsAre("g"));
  EXPECT_EQ(third.next_page_token(), "");
}

TEST_F(ListPageTest, FiltersByNamespaceAndLabels) {
  v1::Upstream elsewhere = SampleUpstream("a");
  elsewhere.mutable_metadata()->set_namespace_("elsewhere");
  Commit({AsChange(SampleUpstream("a", "127.0.0.1:1", {{"tier", "gold"}})),
          AsChange(SampleUpstream("b")), AsChange(elsewhere)});
  v1::ListRequest request = Upstreams();
  EXPECT_EQ(List(request).resources_size(), 3);
  request.set_namespace_("elsewhere");
  EXPECT_EQ(List(request).resources_size(), 1);
  request = Upstreams();
  request.set_label_selector("tier=gold");
  EXPECT_THAT(Names(List(request)), ElementsAre("a"));
}

TEST_F(ListPageTest, KeepsPagesBelowWhatClientsTake) {
  std::vector<model::Change> changes;
  for (int i = 0; i < 20; ++i) {
    v1::Upstream big = SampleUpstream("u-" + std::to_string(10 + i));
    (*big.mutable_metadata()->mutable_annotations())["note"] = std::string(200 * 1024, 'x');
    changes.push_back(AsChange(big));
  }
  Commit(std::move(changes));
  v1::ListRequest request = Upstreams();
  std::size_t seen = 0;
  do {
    const auto page = List(request);
    EXPECT_LE(page.ByteSizeLong(), limits::kListPageBytes + 1024);
    EXPECT_GT(page.resources_size(), 0);
    seen += static_cast<std::size_t>(page.resources_size());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(seen, 20u);
}

TEST_F(ListPageTest, RefusesTokensOfOtherListsAndNonsense) {
  Commit({AsChange(SampleUpstream("a")), AsChange(SampleUpstream("b"))});
  v1::ListRequest request = Upstreams(1);
  request.set_page_token(List(request).next_page_token());
  request.set_label_selector("a");
  EXPECT_EQ(ListPage(request, view_).error().code, ErrorCode::kInvalidArgument);
  for (const std::string token : {"x", "0", "00", "zz", "0a0a0a0a0a", "2d310a"}) {
    v1::ListRequest nonsense = Upstreams();
    nonsense.set_page_token(token);
    EXPECT_EQ(ListPage(nonsense, view_).error().code, ErrorCode::kInvalidArgument) << token;
  }
  EXPECT_EQ(ListPage(Upstreams(-1), view_).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(ListPage(Upstreams(10'001), view_).error().code, ErrorCode::kInvalidArgument);
  v1::ListRequest unknown;
  unknown.set_kind("Gadget");
  EXPECT_THAT(ListPage(unknown, view_).error().message, testing::HasSubstr("Listener"));
}

}  // namespace
}  // namespace sluice::controlplane
