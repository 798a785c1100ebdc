#include "controlplane/ctl/flag_spelling.h"

#include <fmt/format.h>

#include "common/base/flag_words.h"
#include "common/base/text_format.h"

namespace sluice::ctl {
namespace {

template <typename Matches>
const Option* FindOption(const Command* command, const Matches& matches) {
  if (command != nullptr) {
    for (const Option& option : command->options) {
      if (matches(option)) return &option;
    }
  }
  for (const Option& option : GlobalOptions()) {
    if (matches(option)) return &option;
  }
  return nullptr;
}

class Speller {
 public:
  explicit Speller(std::span<const Command* const> commands) : commands_(commands) {}

  Result<void> Take(std::string_view word) {
    if (awaiting_value_ != nullptr) {
      const Option& option = *awaiting_value_;
      awaiting_value_ = nullptr;
      return AddValue(option, word);
    }
    if (word.starts_with("--")) return TakeLong(word);
    if (word.size() > 1 && word.front() == '-') return TakeLetters(word);
    if (command_ == nullptr) {
      for (const Command* command : commands_) {
        if (command->name == word) command_ = command;
      }
    }
    plain_.emplace_back(word);
    return {};
  }

  std::vector<std::string> Finish() && {
    // The parser says that its value is missing.
    if (awaiting_value_ != nullptr) plain_.emplace_back(awaiting_value_->flag);
    return std::move(plain_);
  }

 private:
  Result<void> TakeLong(std::string_view word) {
    const auto equals = word.find('=');
    const std::string_view flag = word.substr(0, equals);
    const Option* option = FindOption(command_, [&](const Option& o) { return o.flag == flag; });
    if (option == nullptr) {
      plain_.emplace_back(word);
    } else if (equals != std::string_view::npos) {
      return AddValue(*option, word.substr(equals + 1));
    } else {
      AddBare(*option);
    }
    return {};
  }

  // `-w`, `-ojson`, `-o=json`, `-Awo json`, `-w=false`.
  Result<void> TakeLetters(std::string_view word) {
    for (std::size_t at = 1; at < word.size(); ++at) {
      const std::string_view letter = word.substr(at, 1);
      const Option* option =
          FindOption(command_, [&](const Option& o) { return o.letter == letter; });
      std::string_view rest = word.substr(at + 1);
      if (option == nullptr) {
        plain_.push_back(fmt::format("-{}{}", letter, letter == "h" ? "" : rest));
        if (letter != "h") return {};
      } else if (rest.starts_with('=')) {
        return AddValue(*option, rest.substr(1));
      } else if (!option->value.empty() && option->bare.empty() && !rest.empty()) {
        return AddValue(*option, rest);
      } else {
        AddBare(*option);
      }
    }
    return {};
  }

  void AddBare(const Option& option) {
    if (option.value.empty()) {
      plain_.emplace_back(option.flag);
    } else if (!option.bare.empty()) {
      plain_.push_back(fmt::format("{}={}", option.flag, option.bare));
    } else {
      awaiting_value_ = &option;
    }
  }

  Result<void> AddValue(const Option& option, std::string_view value) {
    const auto given = ParseSwitch(value);
    if (option.value.empty()) {
      if (!given) return tl::unexpected(SwitchMistake(option.flag, value));
      value = *given ? "true" : "false";
    } else if (!option.bare.empty() && given) {
      value = *given ? option.bare : option.preset;
    }
    if (value.empty()) {  // The library would take the word after `--flag=` for the value.
      plain_.emplace_back(option.flag);
      plain_.emplace_back();
    } else {
      plain_.push_back(fmt::format("{}={}", option.flag, value));
    }
    return {};
  }

  const std::span<const Command* const> commands_;
  const Command* command_ = nullptr;
  const Option* awaiting_value_ = nullptr;
  std::vector<std::string> plain_;
};

}  // namespace

Result<std::vector<std::string>> SplitList(std::string_view list) {
  const auto wrong = [&](std::string_view what) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("the list {} {}; a value with a comma in it is written \"a,b\", and a "
                            "quote in it twice",
                            Quoted(list), what));
  };
  std::vector<std::string> values;
  std::string value;
  for (std::size_t at = 0;; ++at) {
    if (value.empty() && at < list.size() && list[at] == '"') {
      for (++at;; ++at) {
        if (at >= list.size()) return wrong("has no closing quote");
        if (list[at] != '"') {
          value += list[at];
        } else if (list.substr(at + 1).starts_with('"')) {
          value += list[++at];
        } else {
          break;
        }
      }
      ++at;
      if (at < list.size() && list[at] != ',') return wrong("goes on after a closing quote");
    }
    if (at >= list.size() || list[at] == ',') {
      values.push_back(std::move(value));
      value.clear();
      if (at >= list.size()) return values;
    } else {
      value += list[at];
    }
  }
}

Result<std::vector<std::string>> PlainSpelling(std::span<const Command* const> commands,
                                               std::span<const char* const> words) {
  Speller speller(commands);
  for (const char* word : words) {
    if (auto taken = speller.Take(word); !taken) return tl::unexpected(taken.error());
  }
  return std::move(speller).Finish();
}

}  // namespace sluice::ctl
