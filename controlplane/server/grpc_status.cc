#include "controlplane/server/grpc_status.h"

#include <string>

#include "common/base/bounded_text.h"
#include "common/base/limits.h"
#include "google/rpc/status.pb.h"

namespace sluice::controlplane {
namespace {

std::string Shortened(const std::string& text, std::size_t limit) {
  if (text.size() <= limit) return text;
  return std::string(CutAtCharacter(text, limit)) + "…";
}

}  // namespace

grpc::StatusCode GrpcCode(ErrorCode code) {
  return static_cast<grpc::StatusCode>(CanonicalCode(code));
}

grpc::Status GrpcStatus(const Refusal& refusal, std::size_t detail_bytes) {
  const std::string message = Shortened(refusal.message, limits::kStatusMessageBytes);
  if (refusal.violations.empty()) return {GrpcCode(refusal.code), message};

  v1::Violations fitting;
  fitting.set_total(static_cast<int>(refusal.violations_total));
  std::size_t bytes = message.size();
  for (const v1::Violation& violation : refusal.violations) {
    constexpr std::size_t kFraming = 16;
    bytes += violation.ByteSizeLong() + kFraming;
    if (bytes > detail_bytes) break;
    *fitting.add_violations() = violation;
  }
  google::rpc::Status status;
  status.set_code(GrpcCode(refusal.code));
  status.set_message(message);
  status.add_details()->PackFrom(fitting);
  return {GrpcCode(refusal.code), message, status.SerializeAsString()};
}

}  // namespace sluice::controlplane
