// Holds docs/reference/resources.md and deploy/examples against the schema and the validation.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "common/manifest/field_text.h"
#include "common/manifest/manifest.h"
#include "tests/support/source_tree.h"

namespace sluice::manifest {
namespace {

namespace fs = std::filesystem;

std::string ReadAll(const fs::path& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::string ReferencePage() { return ReadAll(test::SourceFile("docs/reference/resources.md")); }

void ExpectValid(const ParseOutcome& outcome, const std::string& what) {
  for (const Diagnostic& diagnostic : outcome.diagnostics)
    ADD_FAILURE() << what << ": " << diagnostic.Text();
  for (const Diagnostic& diagnostic :
       ValidateDocuments(outcome.documents, /*self_contained=*/false)) {
    ADD_FAILURE() << what << ": " << diagnostic.Text();
  }
}

void ExpectSameAfterPrinting(const ParseOutcome& outcome) {
  for (const Document& document : outcome.documents) {
    for (const std::string& text :
         {ToYaml(document.resource.message()), ToJson(document.resource.message(), true)}) {
      const ParseOutcome again = ParseManifest(text, "printed");
      ASSERT_TRUE(again.diagnostics.empty()) << again.diagnostics[0].Text() << "\n" << text;
      EXPECT_EQ(again.documents.at(0).resource.version(), document.resource.version()) << text;
    }
  }
}

std::vector<std::string> YamlBlocks(const std::string& page) {
  const std::string_view open = "```yaml\n";
  std::vector<std::string> blocks;
  for (std::size_t at = page.find(open); at != page.npos; at = page.find(open, at)) {
    at += open.size();
    const std::size_t end = page.find("```", at);
    blocks.push_back(page.substr(at, end - at));
    at = end;
  }
  return blocks;
}

TEST(Examples, AreValidAndComeBackFromTheirPrintedForm) {
  std::set<const model::Kind*> shown;
  for (const auto& entry : fs::directory_iterator(test::SourceFile("deploy/examples"))) {
    if (entry.path().extension() != ".yaml") continue;
    const ParseOutcome outcome = ReadManifests({entry.path()});
    ExpectValid(outcome, entry.path());
    ExpectSameAfterPrinting(outcome);
    for (const Document& document : outcome.documents) shown.insert(&document.resource.kind());
  }
  for (const model::Kind& kind : model::Kinds()) {
    EXPECT_TRUE(kind.read_only || shown.contains(&kind)) << kind.name << " has no example";
  }
}

TEST(ResourceReference, HasOnlyValidExamples) {
  const std::vector<std::string> blocks = YamlBlocks(ReferencePage());
  EXPECT_GE(blocks.size(), 5U);
  for (const std::string& block : blocks) {
    const ParseOutcome outcome = ParseManifest(block, "resources.md");
    ExpectValid(outcome, block);
    ExpectSameAfterPrinting(outcome);
  }
}

// Where the page names a field: as `name` alone, or at the end of a path.
bool Names(const std::string& page, const std::string& field) {
  for (const std::string& form : {"`" + field + "`", "." + field + "`", "." + field + "[]`",
                                  "." + field + ".", "." + field + "[]."}) {
    if (page.find(form) != page.npos) return true;
  }
  return false;
}

void ExpectNamed(const google::protobuf::Descriptor& message, const std::string& page) {
  for (int i = 0; i < message.field_count(); ++i) {
    const auto& field = *message.field(i);
    EXPECT_TRUE(Names(page, field.json_name())) << field.full_name();
    if (field.is_map()) continue;
    if (field.cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_ENUM) {
      for (const std::string& value : EnumTexts(field)) {
        EXPECT_NE(page.find("`" + value + "`"), page.npos) << field.full_name() << " " << value;
      }
    } else if (FormOf(field) == FieldForm::kMessage) {
      ExpectNamed(*field.message_type(), page);
    }
  }
}

// The part of the page under the kind's heading, and what all kinds share.
std::string PartOf(const std::string& page, std::string_view heading) {
  const std::size_t start = page.find("\n## " + std::string(heading) + "\n");
  if (start == page.npos) return "";
  return page.substr(start, page.find("\n## ", start + 1) - start);
}

TEST(ResourceReference, NamesEveryFieldAndChoice) {
  const std::string page = ReferencePage();
  const std::string shared =
      page.substr(0, page.find("\n## ")) + PartOf(page, "metadata") + PartOf(page, "status");
  for (const model::Kind& kind : model::Kinds()) {
    std::string part = PartOf(page, kind.name);
    EXPECT_FALSE(part.empty()) << kind.name;
    if (kind.name == "EndpointSlice") part += PartOf(page, "Upstream");  // `As in Upstream.`
    ExpectNamed(*kind.prototype().GetDescriptor(), shared + part);
  }
}

}  // namespace
}  // namespace sluice::manifest
