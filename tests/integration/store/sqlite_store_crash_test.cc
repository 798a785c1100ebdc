// kill -9 at any moment: nothing acknowledged is lost, nothing is half-written.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "controlplane/store/store.h"
#include "tests/support/sample_resources.h"
#include "tests/support/temp_dir.h"

namespace sluice::controlplane {
namespace {

constexpr int kObjects = 8;

// Every generation says its number in all objects, and deletes or re-creates one more.
std::vector<model::Change> ChangesOf(std::int64_t generation) {
  std::vector<model::Change> changes;
  const test::Labels labels = {{"generation", std::to_string(generation)}};
  for (int i = 0; i < kObjects; ++i) {
    v1::Upstream upstream = test::SampleUpstream("u" + std::to_string(i), "127.0.0.1:9000", labels);
    // Large enough that a commit takes many pages.
    (*upstream.mutable_metadata()->mutable_annotations())["note"] = std::string(8 * 1024, 'x');
    changes.push_back(test::AsChange(upstream));
  }
  const v1::Upstream blinking = test::SampleUpstream("blinking", "127.0.0.1:9000", labels);
  changes.push_back(generation % 2 == 1 ? test::AsChange(blinking) : test::Removal(blinking));
  return changes;
}

// The child: commits as fast as it can and reports each acknowledged generation.
[[noreturn]] void CommitForEver(const std::string& location, int report) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  auto store = OpenStore(location);
  if (!store) _exit(2);
  for (std::int64_t generation = (*store)->Read()->generation;; ++generation) {
    if (!(*store)->Commit(generation, ChangesOf(generation + 1))) _exit(3);
    const std::int64_t done = generation + 1;
    if (write(report, &done, sizeof(done)) != sizeof(done)) _exit(4);
  }
}

// Kills the child after `life` and returns the last generation that it acknowledged, or `before`.
std::int64_t CommitUntilKilled(const std::string& location, std::chrono::microseconds life,
                               std::int64_t before) {
  int report[2];
  EXPECT_EQ(pipe(report), 0);
  const pid_t child = fork();
  if (child == 0) {
    close(report[0]);
    CommitForEver(location, report[1]);
  }
  close(report[1]);
  // From the first acknowledgement on, so that there is something to interrupt.
  std::int64_t acknowledged = before;
  std::int64_t generation = 0;
  if (read(report[0], &generation, sizeof(generation)) == sizeof(generation))
    acknowledged = generation;
  std::this_thread::sleep_for(
      life);  // Not a wait for anything: the moment of death is what is tried.
  kill(child, SIGKILL);
  while (read(report[0], &generation, sizeof(generation)) == sizeof(generation))
    acknowledged = generation;
  close(report[0]);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the child failed with " << WEXITSTATUS(status);
  return acknowledged;
}

void ExpectWholeGeneration(const StoreState& state) {
  const std::string number = std::to_string(state.generation);
  EXPECT_EQ(state.resources.size(), static_cast<std::size_t>(kObjects + state.generation % 2));
  for (const model::Resource& resource : state.resources) {
    EXPECT_EQ(resource.meta().labels().at("generation"), number) << resource.key().Text();
  }
}

TEST(SqliteStoreCrash, LosesNothingAcknowledgedAndHalfWritesNothingWhenKilled) {
  const test::TempDir dir;
  const std::string location = "sqlite:" + dir.File("store.db");
  std::mt19937 random(20261121);
  std::uniform_int_distribution<int> life(0, 20'000);
  std::int64_t generation = 0;
  for (int death = 0; death < 40 && !testing::Test::HasFailure(); ++death) {
    const std::int64_t acknowledged =
        CommitUntilKilled(location, std::chrono::microseconds(life(random)), generation);
    auto store = OpenStore(location);
    ASSERT_TRUE(store) << store.error().message;
    const StoreState state = (*store)->Read().value();
    EXPECT_GE(state.generation, acknowledged);
    EXPECT_LE(state.generation, acknowledged + 1)
        << "one commit may be durable and not yet acknowledged";
    ExpectWholeGeneration(state);
    const auto history = (*store)->CommitsAfter(std::max<std::int64_t>(0, state.generation - 5));
    ASSERT_TRUE(history) << history.error().message;
    EXPECT_EQ(history->back().generation, state.generation);
    EXPECT_EQ(history->back().changes.size(), static_cast<std::size_t>(kObjects + 1));
    generation = state.generation;
  }
  EXPECT_GT(generation, 40);
}

}  // namespace
}  // namespace sluice::controlplane
