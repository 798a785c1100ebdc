#include "common/model/variables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::model {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

using Parts = std::vector<TemplatePart>;

Parts Parse(std::string_view text) {
  const auto parts = ParseTemplate(text, TemplateUse::kLogRecord);
  EXPECT_TRUE(parts) << parts.error().message;
  return parts.value_or(Parts());
}
std::string ErrorOf(std::string_view text, TemplateUse use = TemplateUse::kLogRecord) {
  const auto parts = ParseTemplate(text, use);
  return parts ? "accepted" : parts.error().message;
}

TEST(Template, SplitsIntoTextAndVariables) {
  EXPECT_EQ(Parse("$remote_addr"), (Parts{VariableId::kRemoteAddr}));
  EXPECT_EQ(Parse("a$remote_addr-${pid}b"),
            (Parts{std::string("a"), VariableId::kRemoteAddr, std::string("-"), VariableId::kPid,
                   std::string("b")}));
  EXPECT_EQ(Parse("plain"), (Parts{std::string("plain")}));
}

TEST(Template, WritesADollarSignAsTwo) {
  EXPECT_EQ(Parse("5$$ $$pid"), (Parts{std::string("5$ $pid")}));
}

TEST(Template, RefusesWhatIsNoVariable) {
  for (const char* text : {"$", "a$", "$ a", "${", "${pid", "${}", "$-", "${pid }"}) {
    EXPECT_THAT(ErrorOf(text), HasSubstr("$name or ${name}")) << text;
  }
  EXPECT_THAT(ErrorOf("$Remote_addr"), HasSubstr("did you mean '$remote_addr'"));
  EXPECT_THAT(ErrorOf("$pidx"), HasSubstr("known variables"));
  EXPECT_EQ(ErrorOf(""), "must not be empty");
  EXPECT_THAT(ErrorOf(std::string(4097, 'x')), HasSubstr("at most 4096 bytes"));
}

TEST(Template, TakesOnlyEarlyVariablesInKeys) {
  EXPECT_EQ(ErrorOf("$remote_addr", TemplateUse::kKey), "accepted");
  EXPECT_THAT(ErrorOf("$bytes_sent", TemplateUse::kKey),
              HasSubstr("known when a session is accepted"));
  EXPECT_THAT(ErrorOf("constant", TemplateUse::kKey), HasSubstr("at least one variable"));
}

TEST(Variables, AreFoundByName) {
  for (const Variable& variable : Variables()) EXPECT_EQ(FindVariable(variable.name), &variable);
  EXPECT_EQ(FindVariable("nope"), nullptr);
}

}  // namespace
}  // namespace sluice::model
