// The checks that several kinds share, and the list they report into. Internal to common/model.
// A FieldCheck borrows its list for the time of one validation; not thread-safe.
#pragma once

#include <google/protobuf/duration.pb.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/address.h"
#include "common/model/kind.h"
#include "common/model/variables.h"

namespace sluice::model {

// `field[index]`.
std::string Item(std::string_view field, std::size_t index);

struct DurationRange {
  std::chrono::nanoseconds least;
  std::chrono::nanoseconds most;
  bool or_zero = false;
  bool whole_seconds = false;
};

// At most limits::kViolationsCounted are kept: a hostile object must not make the answer grow.
class FieldCheck {
 public:
  explicit FieldCheck(Violations& violations) : violations_(violations) {}

  // Reports "`field` problem"; problem reads on: `must be …, got '…'`.
  void Refuse(std::string_view field, std::string_view problem);
  void RefuseMissing(std::string_view field) { Refuse(field, "is required"); }
  // More are not kept, so looking for them is idle.
  bool full() const;

  void Number(std::string_view field, std::uint64_t value, std::uint64_t least, std::uint64_t most);
  void Size(std::string_view field, std::uint64_t bytes, std::uint64_t least, std::uint64_t most);
  void Count(std::string_view field, std::size_t count, std::size_t least, std::size_t most);
  void Duration(std::string_view field, const google::protobuf::Duration& duration,
                const DurationRange& allowed);
  // An enum number that the schema does not have, as a newer program may send it.
  void UnknownEnum(std::string_view field, int number);
  // Name of an object: RFC 1123 label, required.
  void ObjectName(std::string_view field, std::string_view name);
  // A map of labels (metadata.labels, nodeSelector) as Kubernetes has them.
  void Labels(std::string_view field,
              const google::protobuf::Map<std::string, std::string>& labels);
  void Template(std::string_view field, std::string_view text, TemplateUse use);
  // A list of addresses and blocks.
  template <typename Strings>
  void Sources(const std::string& field, const Strings& sources, std::size_t most) {
    Count(field, static_cast<std::size_t>(sources.size()), 1, most);
    std::size_t index = 0;
    for (const std::string& source : sources) {
      if (full()) return;
      if (const Result<Cidr> block = Cidr::Parse(source); !block) {
        Refuse(Item(field, index), block.error().message);
      }
      ++index;
    }
  }

 private:
  Violations& violations_;
};

// Kubernetes syntax of a label or annotation key: `name` or `prefix.example/name`.
bool IsLabelKey(std::string_view key);

}  // namespace sluice::model
