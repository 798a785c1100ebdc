// ctl delete: all of what is named, or nothing.
#include "tests/integration/ctl/ctl_test.h"

namespace sluice::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

class Delete : public CtlTest {};

TEST_F(Delete, IsRefusedWhileAnotherObjectRefersToItAndSaysWhich) {
  Store(UpstreamYaml("u") + ListenerYaml("l", "127.0.0.1:7001", "u"));
  const std::string before = StoreContent();
  const ProcessResult result = Run({"delete", "upstream", "u"});
  EXPECT_THAT(result, Exits(1));
  EXPECT_THAT(result.out, IsEmpty());
  EXPECT_THAT(result.err, AllOf(HasSubstr("upstream/u"), HasSubstr("listener/l"),
                                HasSubstr("`spec.routes[0].proxy.upstream`")));
  EXPECT_EQ(StoreContent(), before);
}

TEST_F(Delete, TakesBothSidesOfAReferenceTogether) {
  Store(UpstreamYaml("u") + ListenerYaml("l", "127.0.0.1:7001", "u"));
  const ProcessResult result = Run({"delete", "upstream/u", "listener/l"});
  EXPECT_THAT(result, Exits(0));
  EXPECT_EQ(result.out, "upstream/u deleted\nlistener/l deleted\n");
  EXPECT_EQ(Run({"get", "all"}).err, "No resources found\n");
}

TEST_F(Delete, TakesSeveralNamesOfOneKind) {
  Store(UpstreamYaml("a") + UpstreamYaml("b") + UpstreamYaml("c"));
  EXPECT_EQ(Run({"delete", "upstream", "a", "b"}).out, "upstream/a deleted\nupstream/b deleted\n");
  EXPECT_EQ(Run({"get", "upstreams", "-o", "name"}).out, "upstream/c\n");
}

TEST_F(Delete, DeletesWhatAManifestNames) {
  const std::string file =
      dir_.Write("all.yaml", UpstreamYaml("u") + ListenerYaml("l", "127.0.0.1:7001", "u"));
  Store(UpstreamYaml("other"));
  EXPECT_THAT(Run({"apply", file}), Exits(0));
  EXPECT_EQ(Run({"delete", "-f", file}).out, "upstream/u deleted\nlistener/l deleted\n");
  EXPECT_EQ(Run({"get", "all", "-o", "name"}).out, "upstream/other\n");
}

TEST_F(Delete, WhatIsNotThereIsAnErrorUnlessToldOtherwise) {
  Store(UpstreamYaml("u"));
  const std::string before = StoreContent();
  const ProcessResult result = Run({"delete", "upstream", "u", "nope"});
  EXPECT_THAT(result, Exits(1));
  EXPECT_THAT(result.err, HasSubstr("upstream/nope"));
  EXPECT_EQ(StoreContent(), before) << "nothing of it is deleted";
  EXPECT_EQ(Run({"delete", "upstream", "u", "nope", "--ignore-not-found"}).out,
            "upstream/u deleted\n");
  EXPECT_THAT(Run({"delete", "upstream", "u", "--ignore-not-found"}), Exits(0));
}

TEST_F(Delete, ADryRunDeletesNothing) {
  Store(UpstreamYaml("u"));
  const std::string before = StoreContent();
  EXPECT_EQ(Run({"delete", "upstream/u", "--dry-run"}).out,
            "upstream/u deleted (server dry run)\n");
  EXPECT_EQ(Run({"delete", "upstream/u", "--dry-run=client"}).out,
            "upstream/u deleted (dry run)\n");
  EXPECT_EQ(StoreContent(), before);
}

TEST_F(Delete, AKindAloneIsNotEnough) {
  Store(UpstreamYaml("u"));
  const ProcessResult result = Run({"delete", "upstreams"});
  EXPECT_THAT(result, Exits(2));
  EXPECT_THAT(result.err, HasSubstr("name the object"));
  EXPECT_THAT(Run({"delete", "all"}), Exits(2));
  EXPECT_THAT(Run({"get", "upstream", "u"}), Exits(0));
}

}  // namespace
}  // namespace sluice::test
