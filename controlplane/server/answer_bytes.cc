#include "controlplane/server/answer_bytes.h"

#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>
#include <grpcpp/support/slice.h>

#include <utility>
#include <vector>

#include "controlplane/discovery/canonical_code.h"
#include "envoy/service/discovery/v3/discovery.pb.h"

namespace sluice::controlplane {
namespace {

namespace xds = ::envoy::service::discovery::v3;

// Smaller ones are copied: a slice costs more than that.
constexpr std::size_t kSharedBytes = 2048;

using Item = std::shared_ptr<const SnapshotItem>;

// A message in pieces: own bytes, and bytes that items keep alive.
class Pieces {
 public:
  void Append(const std::string& bytes) { own_ += bytes; }

  void AppendField(std::uint32_t field, const std::string& bytes) {
    AppendVarint(field << 3 | 2);
    AppendVarint(static_cast<std::uint32_t>(bytes.size()));
    own_ += bytes;
  }

  void AppendSharedField(std::uint32_t field, const std::string& bytes, const Item& keeper) {
    if (bytes.size() < kSharedBytes) return AppendField(field, bytes);
    AppendVarint(field << 3 | 2);
    AppendVarint(static_cast<std::uint32_t>(bytes.size()));
    Flush();
    slices_.emplace_back(
        const_cast<char*>(bytes.data()), bytes.size(),
        [](void* held) { delete static_cast<Item*>(held); }, new Item(keeper));
  }

  grpc::ByteBuffer Finish() {
    Flush();
    return {slices_.data(), slices_.size()};
  }

 private:
  void AppendVarint(std::uint32_t value) {
    std::uint8_t bytes[5];
    const auto* end = google::protobuf::io::CodedOutputStream::WriteVarint32ToArray(value, bytes);
    own_.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(end - bytes));
  }
  void Flush() {
    if (own_.empty()) return;
    slices_.emplace_back(own_);
    own_.clear();
  }

  std::string own_;
  std::vector<grpc::Slice> slices_;
};

}  // namespace

grpc::ByteBuffer EncodeDelta(const DiscoveryAnswer& answer, const std::string& control_plane) {
  xds::DeltaDiscoveryResponse head;
  head.set_system_version_info(fmt::format("{}", answer.generation));
  head.set_type_url(answer.type_url);
  head.set_nonce(answer.nonce);
  head.mutable_control_plane()->set_identifier(control_plane);
  for (const std::string& name : answer.removed) head.add_removed_resources(name);
  for (const auto& [name, error] : answer.errors) {
    xds::ResourceError& entry = *head.add_resource_errors();
    entry.mutable_resource_name()->set_name(name);
    entry.mutable_error_detail()->set_code(CanonicalCode(error.code));
    entry.mutable_error_detail()->set_message(error.message);
  }
  Pieces pieces;
  pieces.Append(head.SerializeAsString());
  for (const Item& item : answer.resources) {
    pieces.AppendSharedField(xds::DeltaDiscoveryResponse::kResourcesFieldNumber, item->wire, item);
  }
  return pieces.Finish();
}

}  // namespace sluice::controlplane
