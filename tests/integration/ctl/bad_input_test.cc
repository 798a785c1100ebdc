// Every kind of bad manifest: the exit status says so, the message says what and where, and nothing
// is stored.
#include <filesystem>
#include <ostream>

#include "tests/integration/ctl/ctl_test.h"

namespace sluice::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view kUpstream =
    "apiVersion: sluice.dev/v1\n"
    "kind: Upstream\n"
    "metadata: {name: u}\n"
    "spec:\n";

std::string Repeat(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

struct BadInput {
  std::string name;
  std::string manifest;
  std::vector<std::string> said;  // After `FILE` is replaced by the manifest's path.
  int status = 2;                 // 1: only the control plane can know.
  std::size_t file_bytes = 0;     // Extended to so many.
};

void PrintTo(const BadInput& input, std::ostream* out) { *out << input.name; }

std::vector<BadInput> BadInputs() {
  const std::string upstream(kUpstream);
  return {
      {"MisspeltField",
       upstream + "  endpionts: []\n",
       {"unknown field `spec.endpionts`, did you mean `endpoints`? (FILE:5:3)"}},
      {"MisspeltKind",
       "apiVersion: sluice.dev/v1\nkind: Upstraem\nmetadata: {name: u}\n",
       {"'Upstraem'", "did you mean", "(FILE:2:7)"}},
      {"MisspeltEnum",
       upstream + "  balance: {policy: LEAST_CONECTIONS}\n",
       {"`spec.balance.policy`", "'LEAST_CONECTIONS'", "LEAST_CONNECTIONS", "(FILE:5:21)"}},
      {"DuplicateKey",
       upstream + "  endpoints: []\n  endpoints: []\n",
       {"'endpoints' must be given once in `spec`", "line 5", "(FILE:6:3)"}},
      {"TextForANumber",
       upstream + "  endpoints: [{address: \"127.0.0.1:1\", weight: heavy}]\n",
       {"`spec.endpoints[0].weight` must be a whole number", "'heavy'", "(FILE:5:48)"}},
      {"MapForAList",
       upstream + "  endpoints: {address: x}\n",
       {"`spec.endpoints` must be a list, got a map (FILE:5:14)"}},
      {"NumberTooLargeForItsField",
       upstream + "  endpoints: [{address: \"127.0.0.1:1\", weight: 99999999999}]\n",
       {"`spec.endpoints[0].weight`", "'99999999999'", "(FILE:5:48)"}},
      {"NumberOutOfRange",
       upstream + "  endpoints: [{address: \"127.0.0.1:1\", weight: 65536}]\n",
       {"`spec.endpoints[0].weight` must be 1-65535, got '65536' (FILE:5:40)"}},
      {"BadAddress",
       upstream + "  endpoints: [{address: db1}]\n",
       {"`spec.endpoints[0].address` must be host:port", "'db1'", "(FILE:5:16)"}},
      {"MissingReference",
       ListenerYaml("l", "127.0.0.1:7001", "nowhere"),
       {"`spec.routes[0].proxy.upstream` must name an existing Upstream", "'nowhere'",
        "(FILE:8:14)"},
       1},
      {"TwoListenersOnOneAddress",
       UpstreamYaml("u") + ListenerYaml("l1", "127.0.0.1:7001", "u") +
           ListenerYaml("l2", "127.0.0.1:7001", "u"),
       {"'127.0.0.1:7001' that listener/l1 has too", "(FILE:21:3)"}},
      {"OneObjectTwice",
       UpstreamYaml("u") + UpstreamYaml("u"),
       {"upstream/u must be given once", "(FILE:11:12)"}},
      {"EmptyFile", "", {"must have at least one resource, got none (FILE:1:1)"}},
      {"OnlyComments", "# nothing\n---\n", {"must have at least one resource", "(FILE:1:1)"}},
      {"AHundredMegabytes",
       upstream,
       {"the file must have at most 8MiB, got 104857600 bytes (FILE)"},
       2,
       104'857'600},
      {"BinaryGarbage",
       std::string("\x7f"
                   "ELF\0\1\2\xff\xfe",
                   9) +
           Repeat("\x80\xc3", 2000),
       {"the manifest must be text without control characters, got byte 0x7f (FILE:1:1)"}},
      {"NotUtf8", upstream + "  # \xff\n", {"the manifest must be UTF-8 text", "(FILE:5:5)"}},
      {"NotYaml", upstream + "  endpoints: [\n", {"the manifest must be valid YAML", "(FILE:"}},
      {"TabsForIndentation", upstream + "\tendpoints: []\n", {"not tabs", "(FILE:5:"}},
      {"DeepFlowNesting",
       upstream + "  endpoints: " + Repeat("[", 100'000),
       {"the manifest must be nested at most 32 deep (FILE:5:"}},
      {"DeepBlockNesting",
       [] {
         std::string yaml;
         for (int i = 0; i < 2000; ++i)
           yaml += std::string(static_cast<std::size_t>(i), ' ') + "a:\n";
         return yaml;
       }(),
       {"the manifest must be nested at most 32 deep (FILE:33:"}},
      {"AliasBomb",
       [] {
         std::string yaml = "a: &a [x,x,x,x,x,x,x,x,x]\n";
         for (char c = 'b'; c <= 'i'; ++c) {
           const std::string alias = std::string("*") + static_cast<char>(c - 1);
           yaml += std::string(1, c) + ": &" + c + " [" + Repeat(alias + ",", 8) + alias + "]\n";
         }
         return yaml;
       }(),
       {"at most 1000000 values after its aliases are written out", "(FILE:"}},
      {"AliasOfItself", "a: &a [*a]\n", {"alias inside of what it stands for (FILE:1:8)"}},
  };
}

class BadManifest : public CtlTest, public testing::WithParamInterface<BadInput> {
 protected:
  std::string Write() const {
    const std::string file = dir_.Write("bad.yaml", GetParam().manifest);
    if (GetParam().file_bytes > 0) std::filesystem::resize_file(file, GetParam().file_bytes);
    return file;
  }
  static void ExpectRefusal(const ProcessResult& result, const std::string& file) {
    EXPECT_THAT(result, Exits(GetParam().status));
    EXPECT_THAT(result.out, IsEmpty());
    EXPECT_THAT(result.err, testing::StartsWith("error: "));
    for (std::string said : GetParam().said) {
      if (const auto at = said.find("FILE"); at != std::string::npos) said.replace(at, 4, file);
      EXPECT_THAT(result.err, HasSubstr(said));
    }
  }
};

TEST_P(BadManifest, IsRefusedWithItsPlaceAndNothingIsStored) {
  const std::string file = Write();
  Store(UpstreamYaml("kept"));
  const std::string before = StoreContent();
  ExpectRefusal(Run({"apply", file}), file);
  EXPECT_EQ(StoreContent(), before);
}

TEST_P(BadManifest, IsAnErrorForDiffAndNotADifference) {
  EXPECT_THAT(Run({"diff", Write()}), Exits(2));
}

INSTANTIATE_TEST_SUITE_P(Each, BadManifest, testing::ValuesIn(BadInputs()),
                         [](const auto& input) { return input.param.name; });

class BadBatch : public CtlTest {};

TEST_F(BadBatch, OneBadObjectKeepsTheGoodOnesOutToo) {
  const std::string before = StoreContent();
  const ProcessResult result =
      Run({"apply", "-"}, UpstreamYaml("good") + ListenerYaml("bad", "127.0.0.1:7001", "nowhere"));
  EXPECT_THAT(result, Exits(1));
  EXPECT_THAT(result.err, HasSubstr("(stdin:15:14)"));
  EXPECT_EQ(StoreContent(), before);
}

TEST_F(BadBatch, EverythingWrongIsSaidAtOnce) {
  const std::string one =
      dir_.Write("1.yaml", std::string(kUpstream) + "  endpoints: [{address: a}, {address: b}]\n");
  const std::string two = dir_.Write("2.yaml", std::string(kUpstream) + "  endpionts: []\n");
  const ProcessResult result = Run({"apply", dir_.path()});
  EXPECT_THAT(result, Exits(2));
  EXPECT_THAT(result.err, AllOf(HasSubstr("'a'"), HasSubstr("'b'"), HasSubstr(one + ":5:"),
                                HasSubstr("`spec.endpionts`"), HasSubstr(two + ":5:3")));
}

TEST_F(BadBatch, AListenerOnAnAddressThatAStoredOneHasIsRefused) {
  Store(UpstreamYaml("u") + ListenerYaml("first", "127.0.0.1:7001", "u"));
  const std::string before = StoreContent();
  const ProcessResult result = Run({"apply", "-"}, ListenerYaml("second", "127.0.0.1:7001", "u"));
  EXPECT_THAT(result, Exits(1));
  EXPECT_THAT(result.err, AllOf(HasSubstr("listener/first"), HasSubstr("'127.0.0.1:7001'"),
                                HasSubstr("(stdin:6:3)")));
  EXPECT_EQ(StoreContent(), before);
}

TEST_F(BadBatch, HugeOrEndlessStandardInputIsRefused) {
  const std::string before = StoreContent();
  const ProcessResult result =
      Run({"apply", "-"}, std::string(kUpstream) + std::string(9 * 1024 * 1024, '#'));
  EXPECT_THAT(result, Exits(2));
  EXPECT_THAT(result.err, AllOf(HasSubstr("must have at most 8MiB"), HasSubstr("(stdin)")));
  EXPECT_THAT(Run({"apply", "/dev/zero"}), Exits(2));
  EXPECT_EQ(StoreContent(), before);
}

TEST_F(BadBatch, AFileThatIsNotThereIsNamed) {
  const ProcessResult result = Run({"apply", dir_.File("none.yaml")});
  EXPECT_THAT(result, Exits(2));
  EXPECT_THAT(result.err, HasSubstr("the file cannot be opened: No such file or directory (" +
                                    dir_.File("none.yaml") + ")"));
}

TEST_F(BadBatch, AFolderWithoutManifestsIsNamed) {
  const ProcessResult result = Run({"apply", dir_.path()});
  EXPECT_THAT(result, Exits(2));
  EXPECT_THAT(result.err, AllOf(HasSubstr("*.yaml"), HasSubstr("(" + dir_.path() + ")")));
}

TEST_F(BadBatch, AStatusCannotBeApplied) {
  Store(UpstreamYaml("u"));
  const ProcessResult result = Run({"apply", "-"},
                                   "apiVersion: sluice.dev/v1\nkind: DataPlane\nmetadata: {name: "
                                   "n}\n");
  EXPECT_NE(result.status, 0);
  EXPECT_THAT(result.err, HasSubstr("DataPlane"));
}

}  // namespace
}  // namespace sluice::test
