#include "common/log/event_log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "common/base/limits.h"
#include "common/base/unique_fd.h"
#include "tests/support/eventually.h"
#include "tests/support/unread_pipe.h"

namespace sluice {
namespace {

using test::Eventually;

// Standard error is something else as long as this lives.
class StandardErrorTo {
 public:
  explicit StandardErrorTo(const std::string& path) : before_(::dup(STDERR_FILENO)) {
    const UniqueFd other(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    EXPECT_GE(::dup2(other.get(), STDERR_FILENO), 0);
  }
  ~StandardErrorTo() { ::dup2(before_.get(), STDERR_FILENO); }

 private:
  UniqueFd before_;
};

TEST(EventLog, AnEventIsOneLineWithItsFields) {
  const test::TempDir dir;
  {
    const StandardErrorTo file(dir.File("log"));
    LogEvent(LogLevel::kInfo, "something", {{"n", 7}, {"text", "two words\nand \"a line\""}});
    FlushEventLog();
  }
  const std::string line = test::ReadFile(dir.File("log"));
  EXPECT_TRUE(line.starts_with("time=2")) << line;
  EXPECT_TRUE(
      line.ends_with(" level=info event=something n=7 text=\"two words\\nand \\\"a line\\\"\"\n"))
      << line;
}

TEST(EventLog, WithoutAReaderEventsAreDroppedCountedAndToldOfAfterwards) {
  test::UnreadPipe pipe;
  const StandardErrorTo unread(pipe.path());
  constexpr std::size_t kOver = 500;
  const std::uint64_t before = DroppedEvents();
  for (std::size_t i = 0; i < limits::kQueuedEvents + kOver; ++i) {
    LogEvent(LogLevel::kInfo, "unread", {{"n", i}});
  }
  // One more than the queue holds is in the writer's hand, once it has taken it.
  const std::uint64_t dropped = DroppedEvents() - before;
  EXPECT_GE(dropped, kOver - 1);
  EXPECT_LE(dropped, kOver);
  std::string text;
  EXPECT_TRUE(Eventually([&] {
    text += pipe.Read();
    return text.find("event=events_dropped") != std::string::npos;
  }));
  EXPECT_NE(text.find("level=warning event=events_dropped count=" + std::to_string(dropped) + "\n"),
            std::string::npos);
  EXPECT_NE(text.find("event=unread n=" + std::to_string(limits::kQueuedEvents + kOver - 1) + "\n"),
            std::string::npos);
}

TEST(EventLog, StandardErrorThatCannotBeWrittenIsCounted) {
  const StandardErrorTo full("/dev/full");
  const std::uint64_t before = DroppedEvents();
  LogEvent(LogLevel::kInfo, "lost");
  FlushEventLog();
  EXPECT_EQ(DroppedEvents(), before + 1);
}

}  // namespace
}  // namespace sluice
