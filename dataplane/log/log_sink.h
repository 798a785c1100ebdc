// One open destination of the access log as the writer thread sees it: what is to be written, and
// writing it without ever waiting. Writer thread only, but for Open().
//
// A regular file is written in large pieces. A pipe or terminal that came with the process is
// blocking and shared with others, so it is asked first and then given what POSIX lets fit
// (PIPE_BUF); a socket is told not to wait.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/error.h"
#include "common/base/unique_fd.h"
#include "dataplane/log/access_log.h"
#include "dataplane/session/session_state.h"

namespace sluice::dataplane {

class LogSink {
 public:
  // `stdout`, `stderr` or an absolute path. Never waits, not even for the reader of a named pipe.
  // Where `paths` do not allow all, what is opened is a regular file or a named pipe below an
  // allowed folder, not found over a link; kPermissionDenied when the path is below none.
  static Result<std::unique_ptr<LogSink>> Open(std::string_view to,
                                               std::shared_ptr<const LogPaths> paths);

  // Adds a record to what is to be written. False: lost, because limits::kAccessLogPendingBytes
  // wait.
  bool Append(std::string_view line);
  // Writes as much as goes now; false: nothing went. After an error it pauses for a second.
  bool Write(MonotonicTime now);
  // A file is opened anew by its path. On failure it goes on with the descriptor it has. A record
  // that the old file has in part stands whole in the new one.
  void Reopen();

  bool HasPending() const { return written_ < pending_.size(); }
  // Whole records among what waits.
  std::uint64_t PendingRecords() const;
  const std::string& to() const { return to_; }

 private:
  enum class Kind : std::uint8_t { kFile, kAskFirst, kSocket };
  struct Opened {
    UniqueFd fd;
    Kind kind;
    dev_t device;
    ino_t inode;
  };

  LogSink(std::string to, std::shared_ptr<const LogPaths> paths, Opened opened);
  static Result<Opened> OpenDescriptor(const std::string& to, const LogPaths& paths);
  // Where in pending_ the record begins that is written next.
  std::size_t NextRecord() const;
  ssize_t WriteSome(std::string_view bytes);
  void Failed(int error, MonotonicTime now);

  const std::string to_;
  const std::shared_ptr<const LogPaths> paths_;
  Opened open_;
  std::string pending_;      // From the beginning of a record on.
  std::size_t written_ = 0;  // Of pending_.
  MonotonicTime retry_at_{};
  MonotonicTime report_at_{};  // Not before it is the next failure an event.
};

}  // namespace sluice::dataplane
