#include "common/manifest/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/limits.h"
#include "sluice/v1/listener.pb.h"
#include "sluice/v1/upstream.pb.h"

namespace sluice::manifest {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::vector<std::string> Check(std::string_view text) {
  std::vector<std::string> texts;
  for (const Diagnostic& diagnostic : ParseManifest(text, "f.yaml").diagnostics)
    texts.push_back(diagnostic.Text());
  return texts;
}

// An upstream with more lines of its spec.
std::string Upstream(std::string_view spec) {
  return "apiVersion: sluice.dev/v1\nkind: Upstream\nmetadata: {name: u}\nspec:\n" +
         std::string(spec);
}
std::string Listener(std::string_view spec) {
  return "apiVersion: sluice.dev/v1\nkind: Listener\nmetadata: {name: l}\nspec:\n"
         "  address: 0.0.0.0:1\n  routes: [{proxy: {upstream: u}}]\n" +
         std::string(spec);
}
std::string Repeat(std::string_view piece, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += piece;
  return text;
}

TEST(ParseManifest, ReadsEveryFormOfField) {
  const auto outcome =
      ParseManifest(Listener("  protocol: TCP\n"
                             "  socket: {backlog: 7, receiveBuffer: 16KiB, sendBuffer: 8192}\n"
                             "  timeouts: {idle: 1m30s}\n"
                             "  nodeSelector: {a/b: c}\n"),
                    "f.yaml");
  ASSERT_THAT(outcome.diagnostics, IsEmpty());
  ASSERT_THAT(outcome.documents, SizeIs(1));
  const auto& spec = outcome.documents[0].resource.As<v1::Listener>().spec();
  EXPECT_EQ(spec.socket().backlog(), 7U);
  EXPECT_EQ(spec.socket().receive_buffer(), 16384U);
  EXPECT_EQ(spec.socket().send_buffer(), 8192U);
  EXPECT_EQ(spec.timeouts().idle().seconds(), 90);
  EXPECT_EQ(spec.node_selector().at("a/b"), "c");
}

TEST(ParseManifest, ReadsJsonWithTabs) {
  const auto outcome = ParseManifest(
      "{\n\t\"apiVersion\": \"sluice.dev/v1\", \"kind\": \"Upstream\",\n"
      "\t\"metadata\": {\"name\": \"u\"}, \"spec\": "
      "{\"endpoints\":[{\"address\":\"1.2.3.4:5\",\"weight\":2}]}}",
      "f.json");
  ASSERT_THAT(outcome.diagnostics, IsEmpty());
  EXPECT_EQ(outcome.documents.at(0).resource.As<v1::Upstream>().spec().endpoints(0).weight(), 2U);
}

TEST(ParseManifest, KnowsWhereEachFieldStood) {
  const auto outcome = ParseManifest(
      "# comment\n" + Upstream("  endpoints:\n  - address: 1.2.3.4:5\n    weight: 2\n"), "f.yaml");
  const Document& document = outcome.documents.at(0);
  EXPECT_EQ(document.start.Text(), "f.yaml:2:1");
  EXPECT_EQ(document.PositionOf("spec.endpoints[0].weight").Text(), "f.yaml:8:5");
  EXPECT_EQ(document.PositionOf("spec.endpoints[0].maxConnections").Text(), "f.yaml:7:5");
  EXPECT_EQ(document.PositionOf("spec.endpoints[9].address").Text(), "f.yaml:6:3");
  EXPECT_EQ(document.PositionOf("status").Text(), "f.yaml:2:1");
}

TEST(ParseManifest, CountsColumnsInCharacters) {
  EXPECT_THAT(Check(Upstream("  {\"é\": 1, x: 2}\n")),
              ElementsAre(HasSubstr("(f.yaml:5:4)"), HasSubstr("(f.yaml:5:12)")));
}

TEST(ParseManifest, SuggestsTheFieldThatWasMeant) {
  EXPECT_THAT(Check(Upstream("  enpoints: []\n")),
              ElementsAre("unknown field `spec.enpoints`, did you mean `endpoints`? (f.yaml:5:3)"));
  EXPECT_THAT(Check(Upstream("  passiveHealth: {max_fails: 1}\n")),
              ElementsAre(HasSubstr("did you mean `maxFails`?")));
  EXPECT_THAT(Check(Upstream("  zzz: 1\n")),
              ElementsAre(HasSubstr("known here: balance, endpoints, passiveHealth")));
}

TEST(ParseManifest, TellsWhatIsWrongBetweenTheReadableDocumentsTooWhenAnotherIsNot) {
  constexpr std::string_view kText = R"(apiVersion: sluice.dev/v1
kind: Upstream
metadata: {name: u}
spec: {endpionts: []}
---
apiVersion: sluice.dev/v1
kind: Listener
metadata: {name: a}
spec: {address: "127.0.0.1:1", routes: [{proxy: {upstream: u}}]}
---
apiVersion: sluice.dev/v1
kind: Listener
metadata: {name: b}
spec: {address: "127.0.0.1:1", routes: [{proxy: {upstream: u}}]}
)";
  std::vector<std::string> texts;
  for (const auto& diagnostic : ParseManifest(kText, "f").diagnostics) {
    texts.push_back(diagnostic.Text());
  }
  EXPECT_THAT(texts, testing::ElementsAre(testing::HasSubstr("unknown field `spec.endpionts`"),
                                          testing::HasSubstr("that listener/a has too")));
}

TEST(ParseManifest, TellsEverythingThatIsWrongAtOnce) {
  EXPECT_THAT(
      Check(Upstream("  enpoints: []\n  balance: {policy: HASH}\n") + "---\n" +
            Listener("  socket: {backlog: 0, keepalive: 5}\n")),
      ElementsAre(HasSubstr("unknown field `spec.enpoints`"),
                  "`spec.balance.hash.key` is required (f.yaml:6:3)",
                  "`spec.socket.backlog` must be 1-65535, got '0' (f.yaml:14:12)",
                  "`spec.socket.keepalive` must be a map of fields, got '5' (f.yaml:14:35)"));
}

TEST(ParseManifest, HidesNoFieldBehindAnotherWithTheSameBeginning) {
  EXPECT_THAT(
      Check("apiVersion: sluice.dev/v1\nkind: Upstream\n"
            "metadata: {name: 5, namespace: A}\n"
            "spec: {endpoints: [{addres: '127.0.0.1:1'}]}\n"),
      ElementsAre(HasSubstr("`metadata.name` must be text"),
                  HasSubstr("`metadata.namespace` must be"), HasSubstr("did you mean `address`?")));
}

TEST(ParseManifest, RefusesDuplicateKeysAtEveryDepth) {
  EXPECT_THAT(
      Check(Upstream("  endpoints: []\n  endpoints: []\n")),
      ElementsAre(
          "'endpoints' must be given once in `spec`, it is in line 5 already (f.yaml:6:3)"));
  EXPECT_THAT(Check(Upstream("  endpoints: [{weight: 1, address: '1.2.3.4:5', weight: 2}]\n")),
              ElementsAre(HasSubstr("'weight' must be given once in `spec.endpoints[0]`")));
  EXPECT_THAT(Check("kind: Upstream\n" + Upstream("  {}\n")),
              ElementsAre(HasSubstr("'kind' must be given once")));
  EXPECT_THAT(Check(Listener("  nodeSelector: {a: b, a: c}\n")),
              ElementsAre(HasSubstr("`spec.nodeSelector`")));
}

TEST(ParseManifest, RefusesWrongTypes) {
  for (const auto& [spec, message] : std::vector<std::pair<std::string, std::string>>{
           {"  endpoints: {}\n", "`spec.endpoints` must be a list, got a map"},
           {"  endpoints: [x]\n", "`spec.endpoints[0]` must be a map of fields, got 'x'"},
           {"  balance: []\n", "`spec.balance` must be a map of fields, got a list"},
           {"  balance: {policy: [HASH]}\n",
            "`spec.balance.policy` must be a single value, got a list"},
           {"  endpoints: [{address: 5}]\n", "must be text, got '5'; put it in quotes"},
           {"  endpoints: [{address: 1.5}]\n", "put it in quotes"},
           {"  endpoints: [{address: true}]\n", "put it in quotes"},
           {"  endpoints: [{address: '1.2.3.4:5', weight: '2'}]\n",
            "must be a whole number of 0 to 4294967295, without quotes"},
           {"  endpoints: [{address: '1.2.3.4:5', weight: 2.5}]\n", "must be a whole number"},
           {"  endpoints: [{address: '1.2.3.4:5', weight: 010}]\n", "must be a whole number"},
           {"  endpoints: [{address: '1.2.3.4:5', weight: -1}]\n", "must be a whole number"},
           {"  endpoints: [{address: '1.2.3.4:5', weight: 99999999999}]\n",
            "must be a whole number"},
           {"  endpoints: [{address: '1.2.3.4:5', backup: yes}]\n",
            "must be true or false, got 'yes'"},
           {"  balance: {policy: random}\n",
            "must be ROUND_ROBIN, LEAST_CONNECTIONS, RANDOM, IP_HASH, HASH or RING_HASH, got "
            "'random', did you mean RANDOM"},
           {"  passiveHealth: {failTimeout: 10}\n", "must be a duration such as"},
       }) {
    EXPECT_THAT(Check(Upstream(spec)), ElementsAre(HasSubstr(message))) << spec;
  }
}

TEST(ParseManifest, TakesNullForAbsent) {
  EXPECT_THAT(Check(Upstream("  balance:\n  endpoints: ~\n  passiveHealth: null\n")), IsEmpty());
}

TEST(ParseManifest, RefusesUnknownKindsAndVersions) {
  EXPECT_THAT(Check("apiVersion: sluice.dev/v1\nkind: Upstreem\n"),
              ElementsAre(HasSubstr("got 'Upstreem', did you mean Upstream (f.yaml:2:7)")));
  EXPECT_THAT(Check("apiVersion: v1\nkind: Upstream\n"),
              ElementsAre("`apiVersion` must be sluice.dev/v1, got 'v1' (f.yaml:1:13)"));
  EXPECT_THAT(Check("metadata: {name: u}\n"),
              ElementsAre(HasSubstr("`apiVersion` is required"), HasSubstr("`kind` is required")));
  EXPECT_THAT(Check("just text\n"), ElementsAre(HasSubstr("a resource must be a map")));
  EXPECT_THAT(Check("- a\n- b\n"), ElementsAre(HasSubstr("a resource must be a map")));
}

TEST(ParseManifest, RefusesTextWithoutResources) {
  for (const char* text : {"", "\n\n", "# only\n# comments\n", "---\n---\n", "null\n"}) {
    EXPECT_THAT(Check(text),
                ElementsAre("the manifest must have at least one resource, got none (f.yaml:1:1)"))
        << text;
  }
}

TEST(ParseManifest, ReadsListsAsTheirItems) {
  const auto outcome = ParseManifest(
      "apiVersion: v1\nkind: List\nmetadata: {resourceVersion: ''}\nitems:\n"
      "- {apiVersion: sluice.dev/v1, kind: Upstream, metadata: {name: a}}\n"
      "- {apiVersion: sluice.dev/v1, kind: Upstream, metadata: {name: b}}\n",
      "f.yaml");
  ASSERT_THAT(outcome.diagnostics, IsEmpty());
  ASSERT_THAT(outcome.documents, SizeIs(2));
  EXPECT_EQ(outcome.documents[1].resource.key().name, "b");
  EXPECT_EQ(outcome.documents[1].start.line, 6);
  EXPECT_THAT(Check("kind: List\nitems: 5\n"), ElementsAre(HasSubstr("`items` must be a list")));
}

TEST(ParseManifest, RefusesAnObjectGivenTwice) {
  EXPECT_THAT(
      Check(Upstream("  {}\n") + "---\n" + Upstream("  {}\n")),
      ElementsAre("upstream/u must be given once, it is at f.yaml:1:1 already (f.yaml:9:12)"));
}

TEST(ParseManifest, PassesOverWhatTheControlPlaneWritesButKeepsThePrecondition) {
  const auto outcome = ParseManifest(
      "apiVersion: sluice.dev/v1\nkind: Upstream\n"
      "metadata: {name: u, uid: x, generation: 3, resourceVersion: '7', creationTimestamp: "
      "'2026-01-01T00:00:00Z'}\n"
      "spec: {}\nstatus: {whatever: [1, 2]}\n",
      "f.yaml");
  ASSERT_THAT(outcome.diagnostics, IsEmpty());
  const auto& meta = outcome.documents.at(0).resource.meta();
  EXPECT_EQ(meta.resource_version(), "7");
  EXPECT_EQ(meta.generation(), 0);
  EXPECT_EQ(meta.uid(), "");
  EXPECT_FALSE(meta.has_creation_timestamp());
  EXPECT_FALSE(outcome.documents[0].resource.As<v1::Upstream>().has_status());
}

TEST(HostileManifest, IsRefusedBySizeBeforeItIsParsed) {
  EXPECT_THAT(Check(std::string(8 * 1024 * 1024 + 1, 'x')),
              ElementsAre(HasSubstr("must have at most 8MiB")));
}

TEST(HostileManifest, IsRefusedWhenItIsNoText) {
  EXPECT_THAT(Check("a: \xff\n"),
              ElementsAre("the manifest must be UTF-8 text, got byte 0xff (f.yaml:1:4)"));
  EXPECT_THAT(Check("a: b\nc: \xc3("), ElementsAre(HasSubstr("(f.yaml:2:4)")));
  EXPECT_THAT(Check("a: \xed\xa0\x80"), ElementsAre(HasSubstr("must be UTF-8")));
  EXPECT_THAT(Check(std::string_view("a: \0", 4)),
              ElementsAre(HasSubstr("control characters, got byte 0x00")));
  EXPECT_THAT(Check("\x7f"
                    "ELF\x02\x01"),
              ElementsAre(HasSubstr("got byte 0x7f")));
  EXPECT_THAT(Check(Upstream("  endpoints: [{address: \"a\\0b\"}]\n")),
              ElementsAre(HasSubstr("NUL")));
}

TEST(HostileManifest, IsRefusedWhenItIsNestedTooDeep) {
  for (const std::string& text :
       {Repeat("[", 100'000), Repeat("{", 100'000), Repeat("{a: ", 50'000), Repeat("- ", 100'000),
        Repeat("? ", 100'000), Repeat("[", 33) + Repeat("]", 33)}) {
    EXPECT_THAT(Check(text), ElementsAre(HasSubstr("must be nested at most 32 deep")));
  }
}

TEST(HostileManifest, IsRefusedWhenItsAliasesExplode) {
  std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string one = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + one +
            Repeat("," + one, 9) + "]\n";
  }
  EXPECT_THAT(
      Check(bomb),
      ElementsAre(HasSubstr("must have at most 1000000 values after its aliases are written out")));
  EXPECT_THAT(Check("a: &a [*a]\n"), ElementsAre(HasSubstr("alias inside of what it stands for")));
}

TEST(HostileManifest, MayUseAliasesWithinBounds) {
  const auto outcome =
      ParseManifest(Upstream("  endpoints:\n  - &e {address: '1.2.3.4:5'}\n  - *e\n"), "f.yaml");
  ASSERT_THAT(outcome.diagnostics, IsEmpty());
  EXPECT_EQ(outcome.documents.at(0).resource.As<v1::Upstream>().spec().endpoints_size(), 2);
}

TEST(HostileManifest, IsRefusedWhenItHasTooManyDocuments) {
  EXPECT_THAT(Check(Repeat("a: b\n---\n", 10'001)), SizeIs(1));
  EXPECT_THAT(Check(Repeat("---\n", 20'000)), ElementsAre(HasSubstr("at most 10000 documents")));
}

TEST(HostileManifest, IsTornApartUpToABoundOnly) {
  const auto text = [](std::size_t wrong) {
    return Upstream("  endpoints: [" + Repeat("5, ", static_cast<int>(wrong)) + "]\n");
  };
  EXPECT_THAT(Check(text(500)), SizeIs(500));
  EXPECT_THAT(Check(text(2 * limits::kViolationsCounted)), SizeIs(limits::kViolationsCounted));
}

TEST(BrokenYaml, SaysThatAQuoteIsNeverClosed) {
  for (const char* quote : {"\"", "'"}) {
    for (const char* rest : {"xyz\nmore: text\n", "xyz", "x ''\\\" y\n"}) {
      EXPECT_THAT(Check("a: " + std::string(quote) + rest), SizeIs(1)) << quote << rest;
    }
  }
  EXPECT_THAT(Check("a: \"xyz\nb: c\n"),
              ElementsAre("the manifest must be valid YAML: the quote that starts here is never "
                          "closed (f.yaml:1:4)"));
}

TEST(BrokenYaml, AdvisesAgainstTabs) {
  EXPECT_THAT(Check("a:\n\tb: c\n"),
              ElementsAre(HasSubstr("indent with spaces, not tabs (f.yaml:2:")));
}

TEST(BrokenYaml, IsRefusedWithItsPosition) {
  EXPECT_THAT(Check("a: b: c\n"),
              ElementsAre(HasSubstr("must be valid YAML: illegal map value (f.yaml:1:")));
  EXPECT_THAT(Check("a: [1, 2\nb: c\n"), ElementsAre(HasSubstr("must be valid YAML")));
  EXPECT_THAT(Check("a: *nope\n"), ElementsAre(HasSubstr("must be valid YAML")));
  EXPECT_THAT(Check("a: !!binary xx\n"), ElementsAre(HasSubstr("must not have YAML tags")));
  EXPECT_THAT(Check(Upstream("  ? [a]\n  : b\n")),
              ElementsAre(HasSubstr("a field's name must be text, got a list")));
}

}  // namespace
}  // namespace sluice::manifest
