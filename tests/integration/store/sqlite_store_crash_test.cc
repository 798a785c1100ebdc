// kill -9 at any moment: nothing acknowledged is lost, nothing is half-written, and who follows the
// store meanwhile sees whole generations only.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "controlplane/store/catalog.h"
#include "controlplane/store/store.h"
#include "tests/support/eventually.h"
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
  auto store = OpenStore(location);
  if (!store) _exit(2);
  for (std::int64_t generation = (*store)->Read()->generation;; ++generation) {
    if (!(*store)->Commit(generation, ChangesOf(generation + 1))) _exit(3);
    const std::int64_t done = generation + 1;
    if (write(report, &done, sizeof(done)) != sizeof(done)) _exit(4);
  }
}

// The child as its parent sees it. Forked at once, when the parent has no thread and no store open
// (SQLite's connections do not survive that), and held until Start.
class Writer {
 public:
  explicit Writer(const std::string& location) {
    EXPECT_EQ(pipe(report_), 0);
    EXPECT_EQ(pipe(start_), 0);
    child_ = fork();
    if (child_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      close(report_[0]);
      close(start_[1]);
      char go = 0;
      if (read(start_[0], &go, 1) != 1) _exit(5);
      CommitForEver(location, report_[1]);
    }
    close(report_[1]);
    close(start_[0]);
  }
  ~Writer() {
    if (child_ > 0) {
      kill(child_, SIGKILL);
      waitpid(child_, nullptr, 0);
    }
    close(report_[0]);
    close(start_[1]);
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // Has it commit, kills it `life` after its first acknowledgement, and returns the last generation
  // that it acknowledged, or `before`.
  std::int64_t RunUntilKilled(std::chrono::microseconds life, std::int64_t before) {
    EXPECT_EQ(write(start_[1], "x", 1), 1);
    // From the first acknowledgement on, so that there is something to interrupt.
    std::int64_t acknowledged = before;
    std::int64_t generation = 0;
    if (read(report_[0], &generation, sizeof(generation)) == sizeof(generation))
      acknowledged = generation;
    std::this_thread::sleep_for(
        life);  // Not a wait for anything: the moment of death is what is tried.
    kill(child_, SIGKILL);
    while (read(report_[0], &generation, sizeof(generation)) == sizeof(generation))
      acknowledged = generation;
    int status = 0;
    waitpid(child_, &status, 0);
    child_ = -1;
    EXPECT_TRUE(WIFSIGNALED(status)) << "the child failed with " << WEXITSTATUS(status);
    return acknowledged;
  }

 private:
  int report_[2] = {-1, -1};
  int start_[2] = {-1, -1};
  pid_t child_ = -1;
};

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
        Writer(location).RunUntilKilled(std::chrono::microseconds(life(random)), generation);
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

// What is wrong with a generation that a follower was told after `last`, if anything.
std::string ProblemOf(const CatalogChange& change, std::int64_t last) {
  const std::int64_t generation = change.after->generation;
  const std::string number = std::to_string(generation);
  if (generation != last + 1) return number + " came after " + std::to_string(last);
  if (change.changes.size() != kObjects + 1) return number + " has a part of its changes";
  std::string problem;
  std::size_t objects = 0;
  change.after->resources.ForEach([&](const model::Resource& resource) {
    ++objects;
    if (resource.meta().labels().at("generation") != number)
      problem = number + " shows another " + resource.key().Text();
  });
  if (objects != static_cast<std::size_t>(kObjects + generation % 2))
    problem = number + " has " + std::to_string(objects) + " objects";
  return problem;
}

TEST(SqliteStoreCrash, ShowsAFollowerAPrefixOfWholeGenerationsWhenTheWriterIsKilled) {
  constexpr int kDeaths = 20;
  const test::TempDir dir;
  const std::string location = "sqlite:" + dir.File("store.db");
  std::vector<std::unique_ptr<Writer>> writers;
  for (int i = 0; i < kDeaths; ++i) writers.push_back(std::make_unique<Writer>(location));

  auto store = OpenStore(location);
  ASSERT_TRUE(store) << store.error().message;
  auto catalog = Catalog::Load(**store).value();
  std::mutex mutex;
  std::int64_t last = 0;
  std::vector<std::string> problems;
  const auto subscription = catalog->Subscribe([&](const CatalogChange& change) {
    const std::lock_guard lock(mutex);
    if (auto problem = ProblemOf(change, last); !problem.empty())
      problems.push_back(std::move(problem));
    last = change.after->generation;
  });

  std::mt19937 random(20261126);
  std::uniform_int_distribution<int> life(0, 60'000);
  std::int64_t acknowledged = 0;
  for (const auto& writer : writers) {
    acknowledged = writer->RunUntilKilled(std::chrono::microseconds(life(random)), acknowledged);
    const std::int64_t stored = (*store)->Read()->generation;
    EXPECT_GE(stored, acknowledged);
    EXPECT_LE(stored, acknowledged + 1);
    EXPECT_TRUE(test::Eventually([&] { return catalog->Current()->generation == stored; }));
    acknowledged = stored;
  }
  EXPECT_GT(acknowledged, kDeaths);
  // The one that lives goes on from there.
  EXPECT_TRUE(catalog->Commit(acknowledged, ChangesOf(acknowledged + 1)));
  const std::lock_guard lock(mutex);
  EXPECT_THAT(problems, testing::IsEmpty());
  EXPECT_EQ(last, acknowledged + 1);
}

}  // namespace
}  // namespace sluice::controlplane
