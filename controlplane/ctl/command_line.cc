#include "controlplane/ctl/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <deque>
#include <filesystem>

#include "common/base/text_format.h"
#include "controlplane/ctl/commands.h"
#include "controlplane/ctl/flag_spelling.h"

namespace sluice::ctl {
namespace {

constexpr std::string_view kDescription =
    "Tells a sluice control plane what to do, and shows what it and its data planes do.";
constexpr std::string_view kFooter =
    R"(Exit status: 0 done, 1 the answer is no (refused, not found, timed out, unreachable, different),
2 the command line or a manifest is wrong. `ctl COMMAND --help` says more.)";

std::vector<std::string> Split(std::string_view choices) {
  std::vector<std::string> words;
  while (!choices.empty()) {
    const auto bar = choices.find('|');
    words.emplace_back(choices.substr(0, bar));
    choices = bar == std::string_view::npos ? std::string_view() : choices.substr(bar + 1);
  }
  return words;
}

// What one option of the table has become.
struct Bound {
  const Option* option;
  CLI::Option* parsed;
  std::vector<std::string> values;
  bool given = false;
};

void Bind(CLI::App& app, const Option& option, std::deque<Bound>& bound) {
  std::string names(option.flag);
  if (!option.letter.empty()) names = fmt::format("-{},{}", option.letter, option.flag);
  std::string help(option.help);
  if (!option.preset.empty()) help += fmt::format(" (default {})", option.preset);
  Bound& slot = bound.emplace_back(Bound{.option = &option, .parsed = nullptr, .values = {}});
  if (option.value.empty()) {
    slot.parsed = app.add_flag(names, slot.given, help);
    return;
  }
  slot.parsed = app.add_option(names, slot.values, help)
                    ->type_name(std::string(option.value))
                    ->allow_extra_args(false);
  if (!option.choices.empty()) {
    slot.parsed->type_name(std::string(option.choices))
        ->check(CLI::Validator(
            [choices = Split(option.choices), all = option.choices](const std::string& value) {
              if (std::find(choices.begin(), choices.end(), value) != choices.end()) {
                return std::string();
              }
              return fmt::format("must be one of {}, got '{}'", all, value);
            },
            ""));
  }
}

// The library would call all operands by one name, and say of every flag that it repeats.
class HelpFormat final : public CLI::Formatter {
 public:
  explicit HelpFormat(std::string usage) : usage_(std::move(usage)) {}
  std::string make_option_opts(const CLI::Option* option) const override {
    std::string text = CLI::Formatter::make_option_opts(option);
    constexpr std::string_view kRepeats = " ...";
    if (text.ends_with(kRepeats)) text.resize(text.size() - kRepeats.size());
    return text;
  }
  std::string make_usage(const CLI::App* /*app*/, std::string /*name*/) const override {
    return fmt::format("Usage: ctl {}\n", usage_);
  }

 private:
  const std::string usage_;
};

std::string FooterOf(const Command& command) {
  std::string flags;
  for (const Option& option : GlobalOptions()) {
    flags += fmt::format("{}{}", flags.empty() ? "" : ", ", option.flag);
  }
  return fmt::format("{}{}Every command also takes {} (`ctl --help`).", command.details,
                     command.details.empty() ? "" : "\n", flags);
}

std::string Meant(std::string_view word, const std::vector<std::string_view>& candidates) {
  const std::string_view closest = ClosestWord(word, candidates.data(), candidates.size());
  return closest.empty() ? "" : fmt::format("; did you mean '{}'?", closest);
}

std::string HelpHint(std::string_view command) {
  return fmt::format("Run 'ctl {} --help' for how it is used.\n", command);
}

std::string NoOperandText(const Command& command, std::string_view word) {
  return fmt::format("error: {} takes flags only, got '{}'\n{}", command.name, word,
                     HelpHint(command.name));
}

std::string UnknownCommandText(std::span<const Command* const> commands, std::string_view word) {
  std::vector<std::string_view> names;
  for (const Command* command : commands) {
    if (!command->hidden) names.push_back(command->name);
  }
  return fmt::format("error: unknown command '{}'{}\nRun 'ctl --help' for the commands.\n", word,
                     Meant(word, names));
}

// A word that belongs nowhere: a misspelt command or flag, or an operand of a command without any.
std::string ExtraWordText(std::span<const Command* const> commands, const CLI::App& app) {
  const std::vector<std::string> extras = app.remaining(true);
  const std::string word = extras.empty() ? "" : extras.front();
  const auto used = app.get_subcommands();
  if (used.empty() && !word.starts_with('-')) {
    return UnknownCommandText(commands, word);
  }
  std::vector<std::string_view> flags;
  for (const Option& option : GlobalOptions()) flags.push_back(option.flag);
  const Command* chosen = nullptr;
  for (const Command* command : commands) {
    if (!used.empty() && used.front()->get_name() == command->name) chosen = command;
  }
  if (chosen == nullptr) {
    return fmt::format("error: unknown flag '{}'{}\nRun 'ctl --help' for the flags.\n", word,
                       Meant(word, flags));
  }
  if (!word.starts_with('-')) return NoOperandText(*chosen, word);
  for (const Option& option : chosen->options) flags.push_back(option.flag);
  const std::string flag = word.substr(0, word.find('='));
  return fmt::format("error: unknown flag '{}'{}\n{}", flag, Meant(flag, flags),
                     HelpHint(chosen->name));
}

Result<std::vector<std::string>> SplitLists(const std::vector<std::string>& lists) {
  std::vector<std::string> all;
  for (const std::string& list : lists) {
    auto values = SplitList(list);
    if (!values) return values;
    all.insert(all.end(), values->begin(), values->end());
  }
  return all;
}

// `ctl apply help`. A file of that name is meant where there is one: who deploys `help` must not
// be told that all went well.
bool AsksForHelp(const Command& command, const std::vector<std::string>& operands) {
  if (command.hidden || operands.size() != 1 || operands.front() != "help") return false;
  std::error_code unreadable;
  return command.offers != Offers::kFiles || !std::filesystem::exists("help", unreadable);
}

// Of ctl, or of the command that `operands` name.
CommandLine::Answer HelpAnswer(std::span<const Command* const> commands,
                               const std::vector<std::string>& operands) {
  std::vector<const char*> words = {"ctl"};
  if (!operands.empty()) {
    const std::string& name = operands.front();
    if (std::none_of(commands.begin(), commands.end(),
                     [&](const Command* command) { return command->name == name; })) {
      return {Exit::kUsage, UnknownCommandText(commands, name)};
    }
    words.push_back(name.c_str());
  }
  words.push_back("--help");
  return *ParseCommandLine(commands, static_cast<int>(words.size()), words.data()).answer;
}

}  // namespace

CommandLine ParseCommandLine(std::span<const Command* const> commands, int argc,
                             const char* const* argv) {
  CommandLine line;
  CLI::App app{std::string(kDescription), "ctl"};
  app.footer(std::string(kFooter));
  app.formatter(std::make_shared<HelpFormat>("COMMAND [FLAGS]"));
  app.require_subcommand(1);
  app.set_help_flag("-h,--help", "Prints this text");
  std::deque<Bound> bound;  // Keeps its elements in place: the parser holds their addresses.
  for (const Option& option : GlobalOptions()) Bind(app, option, bound);

  std::vector<std::string> operands;
  const Command* chosen = nullptr;
  for (const Command* command : commands) {
    CLI::App* sub = app.add_subcommand(std::string(command->name), std::string(command->summary));
    sub->fallthrough();  // Global flags may follow the command.
    sub->formatter(std::make_shared<HelpFormat>(
        fmt::format("{} [FLAGS] {}", command->name, command->operands)));
    sub->group(command->hidden ? "" : "Commands");
    sub->footer(FooterOf(*command));
    for (const Option& option : command->options) Bind(*sub, option, bound);
    if (!command->operands.empty()) {
      sub->add_option("operands", operands, "")->type_name("")->group("");
    }
    sub->final_callback([&chosen, command] { chosen = command; });
  }

  // The library hands what follows `--` to the program as a whole once a command has operands.
  const char* const* const end = argv + argc;
  const char* const* const first = std::min(argv + 1, end);
  const char* const* const dashes = std::find(first, end, std::string_view("--"));
  auto words = PlainSpelling(commands, {first, dashes});
  if (!words) {
    line.answer = {Exit::kUsage, fmt::format("error: {}\n", words.error().message)};
    return line;
  }
  std::reverse(words->begin(), words->end());  // As the library takes them.
  try {
    app.parse(std::move(*words));
  } catch (const CLI::CallForHelp&) {
    std::string help = app.help();
    for (const CLI::App* sub : app.get_subcommands()) help = sub->help();
    line.answer = {Exit::kOk, std::move(help)};
    return line;
  } catch (const CLI::ExtrasError&) {
    if (const auto used = app.get_subcommands();
        !used.empty() && dashes == end && app.remaining(true) == std::vector<std::string>{"help"}) {
      line.answer = HelpAnswer(commands, {used.front()->get_name()});
      return line;
    }
    line.answer = {Exit::kUsage, ExtraWordText(commands, app)};
    return line;
  } catch (const CLI::ParseError& error) {
    const auto used = app.get_subcommands();
    if (used.empty()) {
      const auto extra = app.remaining();
      const bool misspelt = !extra.empty();
      line.answer = {Exit::kUsage, misspelt ? ExtraWordText(commands, app)
                                            : "error: name a command\n\n" + app.help()};
      return line;
    }
    line.answer = {Exit::kUsage,
                   fmt::format("error: {}\n{}", error.what(), HelpHint(used.front()->get_name()))};
    return line;
  }

  line.command = chosen;
  for (Bound& slot : bound) {
    if (!slot.option->preset.empty()) {
      line.arguments.SetPreset(slot.option->flag, slot.option->preset);
    }
    if (slot.parsed->count() == 0) continue;
    if (slot.option->value.empty() && !slot.given) continue;  // --wait=false
    if (slot.values.size() > 1 && !slot.option->repeats) {
      line.answer = {Exit::kUsage, fmt::format("error: {} is given {} times; once is allowed\n",
                                               slot.option->flag, slot.values.size())};
      return line;
    }
    if (slot.option->repeats) {
      auto values = SplitLists(slot.values);
      if (!values) {
        line.answer = {Exit::kUsage,
                       fmt::format("error: {}: {}\n", slot.option->flag, values.error().message)};
        return line;
      }
      slot.values = std::move(*values);
    }
    line.arguments.Set(slot.option->flag, std::move(slot.values));
  }
  if (chosen == &kHelpCommand) {
    line.answer = HelpAnswer(commands, operands);
    return line;
  }
  if (dashes == end && AsksForHelp(*chosen, operands)) {
    line.answer = HelpAnswer(commands, {std::string(chosen->name)});
    return line;
  }
  if (dashes != end) operands.insert(operands.end(), dashes + 1, end);
  if (chosen->operands.empty() && !operands.empty()) {
    line.answer = {Exit::kUsage, NoOperandText(*chosen, operands.front())};
    return line;
  }
  line.arguments.SetOperands(std::move(operands));
  return line;
}

}  // namespace sluice::ctl
