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
  EXPECT_EQ(Parse("$remote_addr"), (Parts{VariableName{"remote_addr"}}));
  EXPECT_EQ(Parse("a$remote_addr-${pid}b"),
            (Parts{std::string("a"), VariableName{"remote_addr"}, std::string("-"),
                   VariableName{"pid"}, std::string("b")}));
  EXPECT_EQ(Parse("plain"), (Parts{std::string("plain")}));
}

TEST(Template, WritesADollarSignAsTwo) {
  EXPECT_EQ(Parse("5$$ $$pid"), (Parts{std::string("5$ $pid")}));
}

TEST(Template, RefusesWhatIsNoVariable) {
  for (const char* text : {"$", "a$", "$ a", "${", "${pid", "${}", "$-", "${pid }"}) {
    EXPECT_THAT(ErrorOf(text), HasSubstr("$name or ${name}")) << text;
  }
  EXPECT_EQ(ErrorOf(""), "must not be empty");
  EXPECT_THAT(ErrorOf(std::string(4097, 'x')), HasSubstr("at most 4096 bytes"));
}

TEST(Template, OfAKeyNamesAVariable) {
  EXPECT_THAT(ErrorOf("constant", TemplateUse::kKey), HasSubstr("at least one variable"));
  EXPECT_EQ(ErrorOf("$any", TemplateUse::kKey), "accepted") << "names are not looked up";
}

std::string ResolveError(std::string_view name, TemplateUse use = TemplateUse::kLogRecord) {
  const auto variable = ResolveVariable(name, use);
  return variable ? "known" : variable.error().message;
}

TEST(Variables, AreFoundByName) {
  for (const Variable& variable : Variables()) {
    EXPECT_EQ(ResolveVariable(variable.name, TemplateUse::kLogRecord), &variable);
  }
  EXPECT_THAT(ResolveError("Remote_addr"),
              HasSubstr("got '$Remote_addr', did you mean '$remote_addr'"));
  EXPECT_EQ(ResolveError("pidx"),
            "must name only known variables, got '$pidx', did you mean '$pid'");
  EXPECT_EQ(ResolveError("nothing_like_it"),
            "must name only known variables, got '$nothing_like_it'");
}

TEST(Variables, OfKeysAreKnownWhenASessionIsAccepted) {
  EXPECT_EQ(ResolveError("remote_addr", TemplateUse::kKey), "known");
  EXPECT_THAT(ResolveError("bytes_sent", TemplateUse::kKey),
              HasSubstr("known when a session is accepted, got '$bytes_sent'"));
}

}  // namespace
}  // namespace sluice::model
