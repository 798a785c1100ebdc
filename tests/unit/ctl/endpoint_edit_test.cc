#include "controlplane/ctl/endpoint_edit.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/limits.h"
#include "sluice/v1/endpoint_slice.pb.h"
#include "sluice/v1/upstream.pb.h"
#include "tests/unit/ctl/manifests.h"

namespace sluice::ctl {
namespace {

using ::testing::HasSubstr;

UpstreamParts Parts() {
  auto resources = FromYaml(R"(
apiVersion: sluice.dev/v1
kind: Upstream
metadata: {name: db}
spec:
  endpoints: [{address: "10.0.0.1:5432", weight: 3}, {address: "[2001:db8::1]:5432"}]
---
apiVersion: sluice.dev/v1
kind: EndpointSlice
metadata: {name: db-1}
spec: {upstream: db, endpoints: [{address: "10.0.1.1:5432"}]}
)");
  const auto stamp = [](auto& message) { message.mutable_metadata()->set_resource_version("41"); };
  return {.upstream = With<v1::Upstream>(resources.at(0), stamp),
          .slices = {With<v1::EndpointSlice>(resources.at(1), stamp)}};
}

Result<std::optional<model::Resource>> Apply(const UpstreamParts& parts,
                                             const std::vector<std::string>& words) {
  auto edit = ParseEndpointEdit(words);
  if (!edit) return tl::unexpected(edit.error());
  return EditEndpoint(parts, *edit);
}

model::Resource Changed(const std::vector<std::string>& words) {
  auto changed = Apply(Parts(), words);
  EXPECT_TRUE(changed) << changed.error().message;
  EXPECT_TRUE(*changed) << "unchanged";
  return **changed;
}

TEST(EndpointEdit, AddsToTheUpstreamItself) {
  const auto changed = Changed({"add", "db", "10.0.0.9:5432", "7"});
  const auto& spec = changed.As<v1::Upstream>().spec();
  ASSERT_EQ(spec.endpoints_size(), 3);
  EXPECT_EQ(spec.endpoints(2).address(), "10.0.0.9:5432");
  EXPECT_EQ(spec.endpoints(2).weight(), 7u);
}

TEST(EndpointEdit, KeepsTheVersionThatWasReadAsThePrecondition) {
  EXPECT_EQ(Changed({"add", "db", "10.0.0.9:5432"}).meta().resource_version(), "41");
}

TEST(EndpointEdit, AddsToTheFirstSliceWithRoomWhenTheUpstreamIsFull) {
  auto parts = Parts();
  parts.upstream = With<v1::Upstream>(parts.upstream, [](v1::Upstream& upstream) {
    for (std::size_t i = 2; i < limits::kInlineEndpoints; ++i) {
      upstream.mutable_spec()->add_endpoints()->set_address(fmt::format("10.1.0.1:{}", i));
    }
  });
  const auto changed = Apply(parts, {"add", "db", "10.0.0.9:5432"});
  ASSERT_TRUE(changed && *changed);
  EXPECT_EQ((*changed)->key().Text(), "endpointslice/db-1");

  parts.slices.clear();
  const auto full = Apply(parts, {"add", "db", "10.0.0.9:5432"});
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, ErrorCode::kResourceExhausted);
  EXPECT_THAT(full.error().message, HasSubstr("apply a further EndpointSlice"));
}

TEST(EndpointEdit, AddingWhatIsThereChangesNothing) {
  const auto same = Apply(Parts(), {"add", "db", "10.0.0.1:5432", "3"});
  ASSERT_TRUE(same);
  EXPECT_FALSE(*same);
}

TEST(EndpointEdit, AddingWhatIsThereWithOtherSettingsIsRefused) {
  const auto other = Apply(Parts(), {"add", "db", "10.0.1.1:5432", "9"});
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::kAlreadyExists);
  EXPECT_THAT(other.error().message, HasSubstr("endpointslice/db-1"));
}

TEST(EndpointEdit, RemovesFromTheSliceThatHasIt) {
  const auto changed = Changed({"remove", "db", "10.0.1.1:5432"});
  EXPECT_EQ(changed.key().Text(), "endpointslice/db-1");
  EXPECT_EQ(changed.As<v1::EndpointSlice>().spec().endpoints_size(), 0);
}

TEST(EndpointEdit, FindsAnAddressInAnySpelling) {
  const auto changed = Changed({"remove", "db", "[2001:DB8:0::1]:5432"});
  EXPECT_EQ(changed.As<v1::Upstream>().spec().endpoints_size(), 1);
}

TEST(EndpointEdit, DrainsAndUndrains) {
  const auto drained = Changed({"drain", "db", "10.0.0.1:5432"});
  EXPECT_TRUE(drained.As<v1::Upstream>().spec().endpoints(0).drain());
  EXPECT_EQ(drained.As<v1::Upstream>().spec().endpoints(0).weight(), 3u);
  const UpstreamParts parts{.upstream = drained, .slices = {}};
  const auto undrained = Apply(parts, {"undrain", "db", "10.0.0.1:5432"});
  ASSERT_TRUE(undrained && *undrained);
  EXPECT_FALSE((*undrained)->As<v1::Upstream>().spec().endpoints(0).drain());
  const auto again = Apply(parts, {"drain", "db", "10.0.0.1:5432"});
  ASSERT_TRUE(again);
  EXPECT_FALSE(*again);
}

TEST(EndpointEdit, ChangesAWeight) {
  const auto changed = Changed({"weight", "db", "10.0.1.1:5432", "5"});
  EXPECT_EQ(changed.As<v1::EndpointSlice>().spec().endpoints(0).weight(), 5u);
  const auto same = Apply(Parts(), {"weight", "db", "10.0.1.1:5432", "1"});  // 1 is the default.
  ASSERT_TRUE(same);
  EXPECT_FALSE(*same);
}

TEST(EndpointEdit, AnUnknownAddressIsNotFound) {
  const auto missing = Apply(Parts(), {"drain", "db", "10.9.9.9:1"});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(missing.error().message, HasSubstr("upstream/db has no endpoint '10.9.9.9:1'"));
}

TEST(EndpointEdit, WrongWordsAreErrorsThatSayWhatIsRight) {
  const auto error = [](const std::vector<std::string>& words) {
    const auto edit = ParseEndpointEdit(words);
    return edit ? "no error" : edit.error().message;
  };
  EXPECT_THAT(error({}), HasSubstr("add|remove|drain|undrain|weight"));
  EXPECT_THAT(error({"ad", "db", "1.2.3.4:5"}), HasSubstr("got 'ad'"));
  EXPECT_THAT(error({"weight", "db", "1.2.3.4:5"}), HasSubstr("UPSTREAM ADDRESS WEIGHT"));
  EXPECT_THAT(error({"drain", "db", "1.2.3.4:5", "6"}), HasSubstr("usage"));
  EXPECT_THAT(error({"add", "db", "1.2.3.4"}), HasSubstr("1.2.3.4"));
  EXPECT_THAT(error({"add", "db", "1.2.3.4:5", "0"}), HasSubstr("1-65535"));
  EXPECT_THAT(error({"add", "db", "1.2.3.4:5", "70000"}), HasSubstr("1-65535"));
  EXPECT_THAT(error({"add", "db", "1.2.3.4:5", "-1"}), HasSubstr("1-65535"));
}

TEST(EndpointEdit, TheUpstreamMayBeWrittenWithItsKind) {
  EXPECT_EQ(ParseEndpointEdit({"drain", "upstream/db", "1.2.3.4:5"})->upstream, "db");
}

}  // namespace
}  // namespace sluice::ctl
