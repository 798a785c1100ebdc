#include "controlplane/api/label_selector.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/limits.h"

namespace sluice::controlplane {

class LabelSelector::Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<std::vector<Requirement>> Run() {
    std::vector<Requirement> requirements;
    SkipSpace();
    if (AtEnd()) return requirements;
    for (;;) {
      auto requirement = ParseRequirement();
      if (!requirement) return tl::unexpected(requirement.error());
      requirements.push_back(std::move(*requirement));
      SkipSpace();
      if (AtEnd()) return requirements;
      if (!Take(',')) return Unexpected("',' or the end");
    }
  }

 private:
  using Operator = Requirement::Operator;

  Result<Requirement> ParseRequirement() {
    SkipSpace();
    if (Take('!')) {
      auto key = ParseKey();
      if (!key) return tl::unexpected(key.error());
      return Requirement{std::move(*key), Operator::kNotExists, {}};
    }
    auto key = ParseKey();
    if (!key) return tl::unexpected(key.error());
    SkipSpace();
    if (AtEnd() || Peek() == ',') return Requirement{std::move(*key), Operator::kExists, {}};
    if (Take('!')) {
      if (!Take('=')) return Unexpected("'!='");
      return ParseOneValue(std::move(*key), Operator::kNotIn);
    }
    if (Take('=')) {
      Take('=');
      return ParseOneValue(std::move(*key), Operator::kIn);
    }
    const std::string_view word = TakeWord();
    if (word == "in") return ParseValues(std::move(*key), Operator::kIn);
    if (word == "notin") return ParseValues(std::move(*key), Operator::kNotIn);
    position_ -= word.size();
    return Unexpected("'=', '!=', 'in', 'notin' or ','");
  }

  Result<std::string> ParseKey() {
    SkipSpace();
    const std::string_view word = TakeWord();
    if (word.empty()) return Unexpected("a label key");
    const auto slash = word.find('/');
    const std::string_view name = slash == std::string_view::npos ? word : word.substr(slash + 1);
    if (slash == 0 || !IsLabelText(name) || name.empty() || word.size() > limits::kNodeIdLength) {
      return Fail(ErrorCode::kInvalidArgument, fmt::format("'{}' is not a label key", word));
    }
    return std::string(word);
  }

  Result<std::string> ParseValue() {
    SkipSpace();
    const std::string_view word = TakeWord();
    if (!IsLabelText(word)) {
      return Fail(ErrorCode::kInvalidArgument, fmt::format("'{}' is not a label value", word));
    }
    return std::string(word);
  }

  Result<Requirement> ParseOneValue(std::string key, Operator op) {
    auto value = ParseValue();
    if (!value) return tl::unexpected(value.error());
    return Requirement{std::move(key), op, {std::move(*value)}};
  }

  Result<Requirement> ParseValues(std::string key, Operator op) {
    SkipSpace();
    if (!Take('(')) return Unexpected("'('");
    Requirement requirement{std::move(key), op, {}};
    for (;;) {
      auto value = ParseValue();
      if (!value) return tl::unexpected(value.error());
      requirement.values.push_back(std::move(*value));
      SkipSpace();
      if (Take(')')) return requirement;
      if (!Take(',')) return Unexpected("',' or ')'");
    }
  }

  // At most 63 of A-Z a-z 0-9 - _ . that start and end alphanumeric; may be empty.
  static bool IsLabelText(std::string_view text) {
    const auto alphanumeric = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    };
    if (text.empty()) return true;
    return text.size() <= limits::kNameLength && alphanumeric(text.front()) &&
           alphanumeric(text.back()) && std::all_of(text.begin(), text.end(), [&](char c) {
             return alphanumeric(c) || c == '-' || c == '_' || c == '.';
           });
  }

  bool AtEnd() const { return position_ == text_.size(); }
  char Peek() const { return text_[position_]; }
  bool Take(char c) {
    if (AtEnd() || Peek() != c) return false;
    ++position_;
    return true;
  }
  void SkipSpace() {
    while (!AtEnd() && (Peek() == ' ' || Peek() == '\t')) ++position_;
  }
  std::string_view TakeWord() {
    const std::size_t start = position_;
    while (!AtEnd() && std::string_view(" \t,=!()").find(Peek()) == std::string_view::npos)
      ++position_;
    return text_.substr(start, position_ - start);
  }
  tl::unexpected<Error> Unexpected(std::string_view wanted) const {
    const std::string got = AtEnd() ? "the end" : fmt::format("'{}'", text_.substr(position_, 20));
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("character {} must be {}, got {}", position_ + 1, wanted, got));
  }

  std::string_view text_;
  std::size_t position_ = 0;
};

Result<LabelSelector> LabelSelector::Parse(std::string_view text) {
  if (text.size() > limits::kSelectorBytes) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("a label selector has at most {} bytes, got {}", limits::kSelectorBytes,
                            text.size()));
  }
  auto requirements = Parser(text).Run();
  if (!requirements) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' is not a label selector such as a=b,c!=d,e in (f,g),h,!i: {}",
                            text, requirements.error().message));
  }
  LabelSelector selector;
  selector.requirements_ = std::move(*requirements);
  return selector;
}

bool LabelSelector::Selects(const google::protobuf::Map<std::string, std::string>& labels) const {
  return std::all_of(
      requirements_.begin(), requirements_.end(), [&](const Requirement& requirement) {
        const auto label = labels.find(requirement.key);
        const bool exists = label != labels.end();
        const bool among = exists && std::find(requirement.values.begin(), requirement.values.end(),
                                               label->second) != requirement.values.end();
        switch (requirement.op) {
          case Requirement::Operator::kIn:
            return among;
          case Requirement::Operator::kNotIn:
            return !among;
          case Requirement::Operator::kExists:
            return exists;
          case Requirement::Operator::kNotExists:
            return !exists;
        }
        return false;
      });
}

}  // namespace sluice::controlplane
