#include "controlplane/ctl/completion_words.h"

#include <algorithm>

#include "common/model/kind.h"

namespace sluice::ctl {
namespace {

void AddChoices(std::string_view choices, std::vector<std::string>& words) {
  while (!choices.empty()) {
    const auto bar = choices.find('|');
    words.emplace_back(choices.substr(0, bar));
    choices = bar == std::string_view::npos ? std::string_view() : choices.substr(bar + 1);
  }
}

const Option* FindOption(std::span<const Option> options, std::string_view word) {
  for (const Option& option : options) {
    if (word == option.flag) return &option;
    if (!option.letter.empty() && word.size() == 2 && word[0] == '-' &&
        word[1] == option.letter[0]) {
      return &option;
    }
  }
  return nullptr;
}

void AddCommands(std::span<const Command* const> commands, std::vector<std::string>& words) {
  for (const Command* command : commands) {
    if (!command->hidden) words.emplace_back(command->name);
  }
}

// The words typed so far, taken apart.
struct Typed {
  const Command* command = nullptr;
  std::vector<std::string> operands;       // Complete ones.
  const Option* awaiting_value = nullptr;  // The last complete word is its flag.
  std::vector<const Option*> given;
  bool operands_only = false;  // After `--`.
};

Typed TakeApart(std::span<const Command* const> commands, const std::vector<std::string>& words) {
  Typed typed;
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    const std::string& word = words[i];
    if (typed.awaiting_value != nullptr) {
      typed.awaiting_value = nullptr;
      continue;
    }
    if (!typed.operands_only && word == "--") {
      typed.operands_only = true;
    } else if (!typed.operands_only && word.size() > 1 && word[0] == '-') {
      const Option* option = nullptr;
      const std::string flag = word.substr(0, word.find('='));
      if (typed.command != nullptr) option = FindOption(typed.command->options, flag);
      if (option == nullptr) option = FindOption(GlobalOptions(), flag);
      if (option == nullptr) continue;
      typed.given.push_back(option);
      const bool needs_value = !option->value.empty() && option->bare.empty();
      if (needs_value && flag == word) typed.awaiting_value = option;
    } else if (typed.command == nullptr) {
      for (const Command* command : commands) {
        if (command->name == word) typed.command = command;
      }
    } else {
      typed.operands.push_back(word);
    }
  }
  return typed;
}

void AddFlags(const Typed& typed, std::vector<std::string>& words) {
  const auto add = [&](std::span<const Option> options) {
    for (const Option& option : options) {
      const bool again = option.repeats || std::find(typed.given.begin(), typed.given.end(),
                                                     &option) == typed.given.end();
      if (again) words.emplace_back(option.flag);
    }
  };
  if (typed.command != nullptr) add(typed.command->options);
  add(GlobalOptions());
  words.emplace_back("--help");
}

void AddConditions(std::vector<std::string>& words) {
  for (const char* type : {"Accepted", "ResolvedRefs", "Programmed", "Synced"}) {
    words.push_back(std::string("condition=") + type);
  }
  words.insert(words.end(), {"create", "delete"});
}

// KIND, KIND/NAME, or a name after a kind.
void AddObjects(const CompletionSource& source, const Typed& typed, const std::string& partial,
                std::vector<std::string>& words) {
  if (const auto slash = partial.find('/'); slash != std::string::npos) {
    const std::string kind = partial.substr(0, slash);
    for (const auto& name : source.names(kind)) words.push_back(kind + "/" + name);
    return;
  }
  if (!typed.operands.empty() && typed.operands.front().find('/') == std::string::npos) {
    for (const auto& name : source.names(typed.operands.front())) words.push_back(name);
    return;
  }
  for (const model::Kind& kind : model::Kinds()) words.emplace_back(kind.plural);
  if (typed.command->name == "get") words.emplace_back("all");
}

void AddEndpointEdit(const CompletionSource& source, const Typed& typed,
                     std::vector<std::string>& words) {
  switch (typed.operands.size()) {
    case 0:
      AddChoices(typed.command->operand_choices, words);
      return;
    case 1:
      words = source.names("Upstream");
      return;
    case 2:
      words = source.addresses(typed.operands[1]);
      return;
    default:
      return;
  }
}

}  // namespace

Completion Complete(const CompletionSource& source, const std::vector<std::string>& words) {
  Completion completion;
  std::string partial = words.empty() ? "" : words.back();
  const Typed typed = TakeApart(source.commands, words);

  std::string front;  // What stays in front of the completed part: `--output=`.
  Offers offers = Offers::kNothing;
  std::string_view choices;
  const Option* valued = typed.awaiting_value;
  if (const auto equals = partial.find('='); valued == nullptr && !typed.operands_only &&
                                             partial.starts_with('-') &&
                                             equals != std::string::npos) {
    const std::string flag = partial.substr(0, equals);
    if (typed.command != nullptr) valued = FindOption(typed.command->options, flag);
    if (valued == nullptr) valued = FindOption(GlobalOptions(), flag);
    if (valued == nullptr) return completion;
    front = flag + "=";
    partial.erase(0, equals + 1);
  }
  if (valued != nullptr) {
    choices = valued->value.empty() ? "true|false" : valued->choices;
    offers = valued->offers;
  } else if (partial.starts_with('-') && !typed.operands_only) {
    AddFlags(typed, completion.words);
  } else if (typed.command == nullptr) {
    AddCommands(source.commands, completion.words);
  } else {
    offers = typed.command->offers;
    if (offers != Offers::kEndpointEdit && typed.operands.empty()) {
      choices = typed.command->operand_choices;
    }
  }

  AddChoices(choices, completion.words);
  if (offers == Offers::kFiles) completion.files = true;
  if (offers == Offers::kCommands && typed.operands.empty()) {
    AddCommands(source.commands, completion.words);
  }
  if (offers == Offers::kCondition) AddConditions(completion.words);
  if (offers == Offers::kObjects) AddObjects(source, typed, partial, completion.words);
  if (offers == Offers::kEndpointEdit) AddEndpointEdit(source, typed, completion.words);

  std::erase_if(completion.words,
                [&](const std::string& word) { return !word.starts_with(partial); });
  for (std::string& word : completion.words) word.insert(0, front);
  std::sort(completion.words.begin(), completion.words.end());
  return completion;
}

}  // namespace sluice::ctl
