#include "common/model/generation_digest.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace sluice::model {
namespace {

const DigestEntry kListener{"type.googleapis.com/sluice.v1.Listener", "default/a", "v1"};
const DigestEntry kUpstream{"type.googleapis.com/sluice.v1.Upstream", "default/b", "v2"};

// By sha256sum and a calculator: other programs compute it, too.
TEST(GenerationDigest, IsTheSumOfTheHashesOfItsLines) {
  EXPECT_EQ(GenerationDigest({kListener}),
            "ab07e5e879f6a9ff1a1b46cd629cefd028e1daafd3e4d5b2e3ea500a7ff343c5");
  EXPECT_EQ(GenerationDigest({kListener, kUpstream}),
            "726a06ece7eb7cbdc2127e401d7b465d4413c852ad5c0023e241ab3b9b579795");
  EXPECT_EQ(GenerationDigest({}), std::string(64, '0'));
}

TEST(GenerationDigest, DoesNotDependOnTheOrder) {
  EXPECT_EQ(GenerationDigest({kUpstream, kListener}), GenerationDigest({kListener, kUpstream}));
}

TEST(GenerationDigest, TellsApartNameVersionAndType) {
  EXPECT_NE(GenerationDigest({{"t", "ab", "c"}}), GenerationDigest({{"t", "a", "bc"}}));
  EXPECT_NE(GenerationDigest({{"t", "a", "1"}, {"t", "b", "2"}}),
            GenerationDigest({{"t", "a", "2"}, {"t", "b", "1"}}));
}

TEST(GenerationDigest, FollowsAnyChangesOneByOne) {
  std::mt19937 random(1);
  std::vector<std::string> versions(20);
  std::vector<std::string> names;
  for (std::size_t i = 0; i < versions.size(); ++i) names.push_back("n" + std::to_string(i));
  DigestSum sum;
  const auto entry = [&](std::size_t i) { return DigestEntry{"t", names[i], versions[i]}; };
  for (int step = 0; step < 2000; ++step) {
    const std::size_t i = random() % versions.size();
    if (!versions[i].empty()) sum.TakeOut(DigestElementOf(entry(i)));
    versions[i] = random() % 4 == 0 ? "" : std::to_string(random());
    if (!versions[i].empty()) sum.Add(DigestElementOf(entry(i)));
    std::vector<DigestEntry> all;
    for (std::size_t n = 0; n < versions.size(); ++n) {
      if (!versions[n].empty()) all.push_back(entry(n));
    }
    ASSERT_EQ(sum.Hex(), GenerationDigest(all)) << "step " << step;
  }
}

}  // namespace
}  // namespace sluice::model
