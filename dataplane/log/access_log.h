// The log phase: one record a session, written to each of the listener's destinations.
// Records are formatted on the worker and handed to one writer thread through a bounded queue; a
// full queue drops the record and counts it, it never makes a worker wait.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "common/base/error.h"
#include "dataplane/session/text_template.h"

namespace sluice::dataplane {

// Where records go: stdout, stderr or a file opened for appending. Thread-safe. Kept by path, so
// that a change of configuration keeps the open file.
class LogDestination {
 public:
  virtual ~LogDestination() = default;
  // Takes a line without its end. False: dropped, because the queue is full.
  virtual bool Write(std::string_view line) = 0;
};

struct AccessLogTarget {
  std::shared_ptr<const TextTemplate> format;
  std::shared_ptr<LogDestination> destination;
};

// The writer thread and its destinations. Thread-safe. Destroying it writes what is queued.
class AccessLogWriter {
 public:
  virtual ~AccessLogWriter() = default;
  // `stdout`, `stderr` or an absolute path; the same one gives the same destination. Fails when the
  // file cannot be opened.
  virtual Result<std::shared_ptr<LogDestination>> Open(std::string_view to) = 0;
  // Opens files anew (after they were renamed away), as nginx on USR1.
  virtual void Reopen() = 0;
};
std::unique_ptr<AccessLogWriter> StartAccessLogWriter();

}  // namespace sluice::dataplane
