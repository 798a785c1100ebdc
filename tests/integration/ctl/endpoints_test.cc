// ctl endpoints: one endpoint changed without a file.
#include <memory>

#include "tests/integration/ctl/ctl_test.h"

namespace sluice::test {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kSlice =
    "---\napiVersion: sluice.dev/v1\nkind: EndpointSlice\nmetadata: {name: u-1}\n"
    "spec: {upstream: u, endpoints: [{address: \"127.0.0.1:2\"}]}\n";

class Endpoints : public CtlTest {
 protected:
  void SetUp() override { Store(UpstreamYaml("u") + std::string(kSlice)); }
  ProcessResult Edit(std::vector<std::string> words) const {
    words.insert(words.begin(), "endpoints");
    return Run(std::move(words));
  }
  std::string Table() const { return Run({"describe", "upstream", "u"}).out; }
};

TEST_F(Endpoints, AddsOne) {
  const ProcessResult result =
      Edit({"add", "u", "127.0.0.1:9", "3", "--max-connections", "7", "--backup"});
  EXPECT_THAT(result, Exits(0));
  EXPECT_EQ(result.out, "upstream/u configured\n");
  EXPECT_THAT(Table(), ContainsRegex("127\\.0\\.0\\.1:9 +3 +7 +backup +upstream/u"));
}

TEST_F(Endpoints, AddingItAgainChangesNothingAndOtherSettingsAreRefused) {
  EXPECT_EQ(Edit({"add", "u", "127.0.0.1:1"}).out, "upstream/u unchanged\n");
  EXPECT_EQ(Edit({"add", "u", "127.0.0.1:2"}).out, "upstream/u unchanged\n");
  const ProcessResult other = Edit({"add", "u", "127.0.0.1:2", "5"});
  EXPECT_THAT(other, Exits(1));
  EXPECT_THAT(other.err, AllOf(HasSubstr("endpointslice/u-1"), HasSubstr("ctl endpoints weight")));
}

TEST_F(Endpoints, RemovesOneFromWhereverItStands) {
  EXPECT_EQ(Edit({"remove", "u", "127.0.0.1:2"}).out, "endpointslice/u-1 configured\n");
  EXPECT_EQ(Edit({"remove", "u", "127.0.0.1:1"}).out, "upstream/u configured\n");
  EXPECT_THAT(Table(), Not(HasSubstr("active")));
  const ProcessResult again = Edit({"remove", "u", "127.0.0.1:1"});
  EXPECT_THAT(again, Exits(1));
  EXPECT_EQ(again.err, "error: upstream/u has no endpoint '127.0.0.1:1'\n");
  EXPECT_THAT(Edit({"remove", "u", "127.0.0.1:1", "--ignore-not-found"}), Exits(0));
}

TEST_F(Endpoints, DrainsAndUndrains) {
  EXPECT_EQ(Edit({"drain", "u", "127.0.0.1:2"}).out, "endpointslice/u-1 configured\n");
  EXPECT_THAT(Table(), ContainsRegex("127\\.0\\.0\\.1:2 +1 +- +draining +endpointslice/u-1"));
  EXPECT_EQ(Edit({"drain", "u", "127.0.0.1:2"}).out, "upstream/u unchanged\n");
  EXPECT_EQ(Edit({"undrain", "u", "127.0.0.1:2"}).out, "endpointslice/u-1 configured\n");
  EXPECT_THAT(Table(), Not(HasSubstr("draining")));
}

TEST_F(Endpoints, ChangesAWeight) {
  EXPECT_EQ(Edit({"weight", "u", "127.0.0.1:1", "10"}).out, "upstream/u configured\n");
  EXPECT_THAT(Table(), ContainsRegex("127\\.0\\.0\\.1:1 +10 "));
  for (const char* bad : {"0", "65536", "many", "-1", "1.5"}) {
    const ProcessResult result = Edit({"weight", "u", "127.0.0.1:1", "--", bad});
    EXPECT_THAT(result, Exits(2));
    EXPECT_THAT(result.err, HasSubstr(std::string("the weight must be 1-65535, got '") + bad));
  }
}

TEST_F(Endpoints, SaysWhatIsWrongWithTheCommand) {
  const std::string before = StoreContent();
  EXPECT_THAT(Edit({"drian", "u", "127.0.0.1:1"}).err, HasSubstr("did you mean 'drain'?"));
  EXPECT_THAT(Edit({"drain", "u"}).err, HasSubstr("usage: ctl endpoints drain UPSTREAM ADDRESS"));
  EXPECT_THAT(Edit({"add", "u", "db1"}).err, HasSubstr("must be host:port with an IP address"));
  EXPECT_THAT(Edit({"add", "u", "127.0.0.1:9", "--max-connections", "0"}), Exits(2));
  EXPECT_THAT(Edit({"drain", "u", "127.0.0.1:1", "--backup"}), Exits(2));
  EXPECT_THAT(Edit({"add", "none", "127.0.0.1:9"}).err, HasSubstr("upstream/none not found"));
  EXPECT_EQ(StoreContent(), before);
}

TEST_F(Endpoints, AtTheSameTimeLoseNothing) {
  std::vector<std::unique_ptr<Process>> edits;
  for (int i = 0; i < 12; ++i) {
    edits.push_back(std::make_unique<Process>(
        std::vector<std::string>{BinPath("ctl"), "--server", control_plane_.api(), "endpoints",
                                 "add", "u", "127.0.0.1:" + std::to_string(100 + i)}));
  }
  for (const auto& edit : edits) EXPECT_EQ(edit->Wait(), 0) << edit->Err();
  const std::string table = Table();
  for (int i = 0; i < 12; ++i) {
    EXPECT_THAT(table, HasSubstr("127.0.0.1:" + std::to_string(100 + i) + " "));
  }
}

}  // namespace
}  // namespace sluice::test
