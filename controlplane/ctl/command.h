// What a command of ctl is: plain rows that commands.cc lists. The same rows make the parser, the
// help text and the shell completion, so none of them can forget a flag. Immutable.
#pragma once

#include <chrono>
#include <iosfwd>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "controlplane/ctl/server_address.h"

namespace sluice::ctl {

// The process's exit status; stable (docs/reference/ctl.md).
enum class Exit : int {
  kOk = 0,
  // The answer is no: refused, not found, timed out, unreachable, or (diff) different.
  kFailed = 1,
  // The command line or a manifest is wrong. Nothing was sent. (diff: any error.)
  kUsage = 2,
};

// What completion offers in a place.
enum class Offers { kNothing, kFiles, kCommands, kObjects, kEndpointEdit, kCondition };

struct Option {
  std::string_view flag;         // `--output`
  std::string_view letter = {};  // `o`; empty: no short form.
  std::string_view value = {};   // Its name in the help, `FORMAT`; empty: a switch.
  std::string_view help = {};
  std::string_view preset = {};   // The value when the flag is not given.
  std::string_view choices = {};  // `a|b|c`: nothing else is allowed.
  // What the flag means without a value; the value then stands behind `=` only, and `true` means
  // this and `false` the preset. Empty: the flag needs its value.
  std::string_view bare = {};
  bool repeats = false;  // Takes lists too: `-f a,b`.
  Offers offers = Offers::kNothing;
};

// A command line after parsing. Flags are asked for by their long name.
class Arguments {
 public:
  // A switch given and not as `=false`, or a flag given with a value.
  bool Has(std::string_view flag) const { return values_.contains(flag); }
  // The last value given, or the option's preset, or "".
  std::string Text(std::string_view flag) const;
  std::vector<std::string> All(std::string_view flag) const;
  // The error names the flag and what is allowed.
  Result<std::chrono::nanoseconds> Duration(std::string_view flag) const;
  const std::vector<std::string>& operands() const { return operands_; }

  void Set(std::string_view flag, std::vector<std::string> values);
  void SetPreset(std::string_view flag, std::string_view value);
  void SetOperands(std::vector<std::string> operands) { operands_ = std::move(operands); }

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
  std::map<std::string, std::string, std::less<>> presets_;
  std::vector<std::string> operands_;
};

struct Command;

// One run of a command. Results go to `out`, everything that speaks to a person to `err`.
struct Invocation {
  const Arguments& arguments;
  ServerAddress server;
  std::chrono::nanoseconds request_timeout;
  std::string ns;  // --namespace
  std::ostream& out;
  std::ostream& err;
  std::span<const Command* const> commands;  // Of this program, for completion.
};

struct Command {
  std::string_view name;
  std::string_view operands;  // As the help shows them: `KIND[/NAME] [NAME…]`; empty: takes none.
  std::string_view summary;
  std::string_view details = {};
  std::span<const Option> options = {};
  Offers offers = Offers::kNothing;  // For the operands.
  std::string_view operand_choices = {};
  bool hidden = false;
  Exit (*run)(const Invocation&) = nullptr;  // Null: ParseCommandLine answers (help).
};

// Flags that every command takes.
std::span<const Option> GlobalOptions();

}  // namespace sluice::ctl
