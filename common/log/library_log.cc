#include "common/log/library_log.h"

#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>

#include <string>

#include "common/log/event_log.h"

namespace sluice {
namespace {

void LogGrpc(gpr_log_func_args* said) {
  LogEvent(LogLevel::kDebug, "grpc_said",
           {{"severity", gpr_log_severity_string(said->severity)}, {"message", said->message}});
}

void LogProtobuf(google::protobuf::LogLevel level, const char*, int, const std::string& message) {
  const bool fatal = level == google::protobuf::LOGLEVEL_FATAL;
  LogEvent(fatal ? LogLevel::kError : LogLevel::kDebug, "protobuf_said", {{"message", message}});
  if (fatal) FlushEventLog();
}

}  // namespace

void LogLibraries() {
  gpr_set_log_function(LogGrpc);
  google::protobuf::SetLogHandler(LogProtobuf);
}

}  // namespace sluice
