// Kubernetes label selectors, the whole grammar:
//
//   a=b  a==b  a!=b  a in (b,c)  a notin (b,c)  a  !a      joined by commas, all must hold
//
// As there, != and notin also select objects without the label. Immutable.
#pragma once

#include <google/protobuf/map.h>

#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"

namespace sluice::controlplane {

class LabelSelector {
 public:
  // Empty text selects everything. At most limits::kSelectorBytes.
  static Result<LabelSelector> Parse(std::string_view text);

  bool Selects(const google::protobuf::Map<std::string, std::string>& labels) const;

 private:
  struct Requirement {
    enum class Operator { kIn, kNotIn, kExists, kNotExists };
    std::string key;
    Operator op;
    std::vector<std::string> values;
  };
  class Parser;

  std::vector<Requirement> requirements_;
};

}  // namespace sluice::controlplane
