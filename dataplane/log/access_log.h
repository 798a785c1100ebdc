// The log phase: one record a session, written to each of the listener's destinations.
// Records are formatted on the worker, copied into that thread's bounded ring and written by one
// writer thread in large pieces; a full ring drops the record and counts it, it never makes a
// worker wait. A destination that cannot be written (full disk, stalled reader) holds up neither
// workers nor other destinations.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/allowed_folders.h"
#include "common/base/error.h"

namespace sluice::dataplane {

class TextTemplate;

// What a listener writes that names no format. docs/reference/variables.md explains it.
inline constexpr std::string_view kDefaultAccessLogFormat =
    "$time_iso8601 $namespace/$listener $protocol $remote_addr $remote_port $status $close_reason "
    "received=$bytes_received sent=$bytes_sent time=$session_time upstream=$upstream "
    "endpoint=\"$upstream_addr\" connect=\"$upstream_connect_time\" policy=$access_policy "
    "session=$connection";

// Where records go: stdout, stderr or a file opened for appending. Thread-safe. Kept by path, so
// that a change of configuration keeps the open file; closed when no config has it any more. May
// outlive the writer, but then takes nothing.
class LogDestination {
 public:
  virtual ~LogDestination() = default;
  // Takes a line without its end. False: dropped, because this thread's ring is full. No lock, no
  // allocation (but for a thread's first record), and a system call only if the writer sleeps.
  virtual bool Write(std::string_view line) = 0;
};

struct AccessLogTarget {
  std::shared_ptr<const TextTemplate> format;
  std::shared_ptr<LogDestination> destination;
};

// Which files a node lets its listeners write to, whoever wrote these.
struct LogPaths {
  AllowedFolders folders = AllowedFolders::Everywhere();
  std::string own;  // The node's --access-log, wherever that is.
};

// The writer thread and its destinations. Thread-safe. Destroying it writes what is queued, for at
// most limits::kAccessLogFlush. Needs no handler for SIGPIPE.
class AccessLogWriter {
 public:
  virtual ~AccessLogWriter() = default;
  // `stdout`, `stderr` or an absolute path; the same one gives the same destination. Fails when the
  // file cannot be opened, or limits::kAccessLogDestinations are; with kPermissionDenied when the
  // node does not let anybody write there.
  virtual Result<std::shared_ptr<LogDestination>> Open(std::string_view to) = 0;
  // Opens files anew (after they were renamed away), as nginx on USR1. A file that cannot be opened
  // is written on under its old descriptor.
  virtual void Reopen() = 0;
  // Records that were taken and then lost, because their destination could not be written.
  virtual std::uint64_t lost() const = 0;
};
std::unique_ptr<AccessLogWriter> StartAccessLogWriter(LogPaths paths = {});

}  // namespace sluice::dataplane
