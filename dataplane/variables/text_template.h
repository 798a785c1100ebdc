// Text with $variables, compiled once and then rendered from a session. Which variables there are
// stands in common/model/variables.h; what they are worth in variables.cc.
// Immutable; thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "dataplane/session/session_state.h"

namespace sluice::dataplane {

class TextTemplate {
 public:
  enum class Missing : std::uint8_t {
    // For keys: an absent value is the empty string. Only variables that are known once a session
    // is accepted.
    kEmpty,
    // For logs: an absent value is `-`, and bytes that could break a line are escaped as by nginx.
    // Values only: the text between them is a person's and stands as written.
    kDash,
  };

  static Result<std::shared_ptr<const TextTemplate>> Compile(std::string_view text,
                                                             Missing missing);

  // Appends.
  void Render(const SessionState& session, std::string& out) const;

  struct Part {
    std::string literal;  // Before the value.
    // nullptr: no value, this is the end.
    void (*append)(const SessionState& session, std::string& out) = nullptr;
    bool may_need_escapes = false;
  };

  TextTemplate(std::vector<Part> parts, Missing missing)
      : parts_(std::move(parts)), missing_(missing) {}

 private:
  std::vector<Part> parts_;
  Missing missing_;
};

}  // namespace sluice::dataplane
