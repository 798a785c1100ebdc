#include "controlplane/server/answer_bytes.h"

#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>
#include <grpcpp/support/slice.h>

#include <utility>
#include <vector>

#include "envoy/service/discovery/v3/discovery.pb.h"

namespace sluice::controlplane {
namespace {

namespace xds = ::envoy::service::discovery::v3;

void AppendField(std::uint32_t field, const std::string& bytes, std::string& to) {
  const auto append_varint = [&to](std::uint32_t value) {
    std::uint8_t varint[5];
    const auto* end = google::protobuf::io::CodedOutputStream::WriteVarint32ToArray(value, varint);
    to.append(reinterpret_cast<const char*>(varint), static_cast<std::size_t>(end - varint));
  };
  append_varint(field << 3 | 2);
  append_varint(static_cast<std::uint32_t>(bytes.size()));
  to += bytes;
}

}  // namespace

// Everything but the nonce, and what it was made of: equal answers have equal parts.
struct AnswerEncoder::Body {
  DiscoveryAnswer answer;
  std::string bytes;

  bool IsOf(const DiscoveryAnswer& other) const {
    return answer.generation == other.generation && answer.type_url == other.type_url &&
           answer.resources == other.resources && answer.removed == other.removed;
  }
};

std::shared_ptr<const AnswerEncoder::Body> AnswerEncoder::BodyOf(const DiscoveryAnswer& answer) {
  const MutexLock lock(mutex_);
  if (answer.errors.empty()) {
    for (const auto& remembered : recent_) {
      auto body = remembered.lock();
      if (body != nullptr && body->IsOf(answer)) return body;
    }
  }
  xds::DeltaDiscoveryResponse head;
  head.set_system_version_info(fmt::format("{}", answer.generation));
  head.set_type_url(answer.type_url);
  head.mutable_control_plane()->set_identifier(control_plane_);
  for (const std::string& name : answer.removed) head.add_removed_resources(name);
  for (const auto& [name, error] : answer.errors) {
    xds::ResourceError& entry = *head.add_resource_errors();
    entry.mutable_resource_name()->set_name(name);
    entry.mutable_error_detail()->set_code(CanonicalCode(error.code));
    entry.mutable_error_detail()->set_message(error.message);
  }
  auto body = std::make_shared<Body>();
  std::size_t size = head.ByteSizeLong();
  for (const auto& item : answer.resources) size += item->wire.size() + 6;
  body->bytes.reserve(size);
  head.AppendToString(&body->bytes);
  for (const auto& item : answer.resources) {
    AppendField(xds::DeltaDiscoveryResponse::kResourcesFieldNumber, item->wire, body->bytes);
  }
  if (answer.errors.empty()) {
    body->answer = answer;
    recent_[made_ % kRemembered] = body;
  }
  ++made_;
  return body;
}

grpc::ByteBuffer AnswerEncoder::Encode(const DiscoveryAnswer& answer) {
  using Held = std::shared_ptr<const Body>;
  auto held = std::make_unique<Held>(BodyOf(answer));
  const std::string& bytes = (*held)->bytes;
  // Not changed by anybody: the slice only wants a plain pointer.
  grpc::Slice shared(
      const_cast<char*>(bytes.data()), bytes.size(),
      [](void* released) { delete static_cast<Held*>(released); }, held.get());
  held.release();
  std::string own;
  AppendField(xds::DeltaDiscoveryResponse::kNonceFieldNumber, answer.nonce, own);
  const grpc::Slice slices[] = {std::move(shared), grpc::Slice(own)};
  return {slices, 2};
}

std::uint64_t AnswerEncoder::made() const {
  const MutexLock lock(mutex_);
  return made_;
}

}  // namespace sluice::controlplane
