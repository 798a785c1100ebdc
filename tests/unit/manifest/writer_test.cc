#include <gmock/gmock.h>
#include <google/protobuf/util/time_util.h>
#include <gtest/gtest.h>

#include "common/manifest/field_text.h"
#include "common/manifest/manifest.h"
#include "sluice/v1/data_plane.pb.h"
#include "sluice/v1/upstream.pb.h"

namespace sluice::manifest {
namespace {

TEST(ToYaml, PrintsInReadingOrderAndShortForms) {
  v1::DataPlane node;
  node.mutable_metadata()->set_name("edge-1");
  (*node.mutable_metadata()->mutable_labels())["zone"] = "1";
  (*node.mutable_metadata()->mutable_labels())["role"] = "gateway";
  node.mutable_status()->set_active_generation(7);
  node.mutable_status()->set_sessions(1'000'000'000'000);
  *node.mutable_status()->mutable_last_seen() =
      google::protobuf::util::TimeUtil::SecondsToTimestamp(1'767'225'600);
  v1::Condition& condition = *node.mutable_status()->add_conditions();
  condition.set_type("Synced");
  condition.set_status(v1::Condition::TRUE);
  EXPECT_EQ(ToYaml(node), R"(apiVersion: sluice.dev/v1
kind: DataPlane
metadata:
  name: edge-1
  labels:
    role: gateway
    zone: "1"
status:
  conditions:
  - type: Synced
    status: "True"
  activeGeneration: 7
  sessions: 1000000000000
  lastSeen: "2026-01-01T00:00:00Z"
)");
  EXPECT_EQ(
      ToJson(node, false),
      R"({"apiVersion":"sluice.dev/v1","kind":"DataPlane","metadata":{"name":"edge-1",)"
      R"("labels":{"role":"gateway","zone":"1"}},"status":{"conditions":[{"type":"Synced",)"
      R"("status":"True"}],"activeGeneration":7,"sessions":1000000000000,"lastSeen":"2026-01-01T00:00:00Z"}})");
}

TEST(EnumText, IsTheNameOrCamelCaseAsTheSchemaSays) {
  const auto& state = *v1::ResourceProblem::descriptor()->FindFieldByName("state");
  EXPECT_THAT(EnumTexts(state), ::testing::ElementsAre("REFUSED", "NOT_PROGRAMMED"));
  const auto& status = *v1::Condition::descriptor()->FindFieldByName("status");
  EXPECT_THAT(EnumTexts(status), ::testing::ElementsAre("Unknown", "True", "False"));
  for (const auto* field : {&state, &status}) {
    for (const std::string& text : EnumTexts(*field)) {
      const auto* value = FindEnumValue(*field, text);
      ASSERT_NE(value, nullptr) << text;
      EXPECT_EQ(EnumText(*field, *value), text);
    }
  }
  EXPECT_EQ(FindEnumValue(status, "TRUE"), nullptr);
  EXPECT_EQ(FindEnumValue(state, "STATE_UNSPECIFIED"), nullptr);
}

TEST(ToYaml, IsReadBackWhateverTheTextIs) {
  for (const char* text :
       {"",      " ",          "true",  "No",        "null", "~",   "5",   "1e3",
        "0x1F",  "2026-01-01", "10:30", "a: b",      "a #b", "- a", "*a",  "&a",
        "!a",    "%a",         "@a",    "`a",        "\"",   "'",   "\\",  "line\nbreak\n",
        "tab\t", "\x1b[0m",    "ünï€😀", "trailing ", "{a}",  "[a]", "a,b", "a/b.c_d-e",
        "-",     "---",        "...",   "=",         "<<",   "10m", "0s",  "1.5"}) {
    for (bool as_json : {false, true}) {
      v1::Upstream upstream;
      upstream.mutable_metadata()->set_name("u");
      (*upstream.mutable_metadata()->mutable_annotations())["key"] = text;
      const std::string printed = as_json ? ToJson(upstream, true) : ToYaml(upstream);
      const auto outcome = ParseManifest(printed, "f");
      ASSERT_TRUE(outcome.diagnostics.empty()) << outcome.diagnostics[0].Text() << "\n" << printed;
      EXPECT_EQ(outcome.documents.at(0).resource.meta().annotations().at("key"), text) << printed;
    }
  }
}

TEST(ToYaml, ShowsWhichChoiceIsInForce) {
  v1::Upstream upstream;
  upstream.mutable_spec()->mutable_balance();
  EXPECT_THAT(ToYaml(upstream), testing::HasSubstr("policy: ROUND_ROBIN"));
}

void CheckForms(const google::protobuf::Descriptor& message) {
  for (int i = 0; i < message.field_count(); ++i) {
    const auto& field = *message.field(i);
    if (field.is_map()) continue;
    const FieldForm form = FormOf(field);
    if (form == FieldForm::kMessage) {
      CheckForms(*field.message_type());
    } else if (field.is_repeated()) {
      EXPECT_EQ(form, FieldForm::kText) << field.full_name() << ": lists are of texts or messages";
    }
  }
}

TEST(Schema, HasOnlyFormsThatManifestsCanCarry) {
  for (const model::Kind& kind : model::Kinds()) CheckForms(*kind.prototype().GetDescriptor());
}

}  // namespace
}  // namespace sluice::manifest
