#include "common/manifest/yaml_tree.h"

#include <fmt/format.h>
#include <yaml-cpp/anchor.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <istream>
#include <map>
#include <streambuf>

#include "common/base/bounded_text.h"
#include "common/base/limits.h"
#include "common/base/text_format.h"

namespace sluice::manifest {
namespace {

// Reads a string_view in place.
class ViewBuffer : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view text) {
    char* begin = const_cast<char*>(text.data());  // streambuf wants it so; it is only read.
    setg(begin, begin, begin + text.size());
  }
};

// What no YAML text may hold, found before the parser sees it.
std::optional<YamlProblem> FindBadBytes(std::string_view text) {
  int line = 1;
  int column = 1;
  while (!text.empty()) {
    const auto first = static_cast<unsigned char>(text[0]);
    const std::size_t length = Utf8Length(text);
    if (length == 0) {
      return YamlProblem{line, column, fmt::format("must be UTF-8 text, got byte 0x{:02x}", first)};
    }
    const bool control = first < 0x20 && first != '\t' && first != '\n' && first != '\r';
    if (control || first == 0x7F) {
      return YamlProblem{
          line, column,
          fmt::format("must be text without control characters, got byte 0x{:02x}", first)};
    }
    ++column;
    if (first == '\n') {
      ++line;
      column = 1;
    }
    text.remove_prefix(length);
  }
  return std::nullopt;
}

// Where the parser's marks, which count bytes, are in the text.
class Places {
 public:
  explicit Places(std::string_view text)
      : text_(text), bom_(text.starts_with("\xEF\xBB\xBF") ? 3 : 0) {
    starts_.push_back(bom_);
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\n') starts_.push_back(i + 1);
    }
  }

  // From 1, in characters. Marks come in the order of the text, so going on from the last one keeps
  // a long line from costing its square.
  int Column(const YAML::Mark& mark) {
    const std::size_t start = LineStart(mark);
    const std::size_t at = Offset(mark);
    if (start != line_start_) {
      line_start_ = start;
      counted_to_ = start;
      characters_ = 0;
    }
    for (; counted_to_ < at; ++counted_to_) characters_ += StartsCharacter(counted_to_);
    for (; counted_to_ > at; --counted_to_) characters_ -= StartsCharacter(counted_to_ - 1);
    return characters_ + 1;
  }

  // Is the quoted scalar that starts at `mark` closed before the text ends?
  bool QuoteCloses(const YAML::Mark& mark) const {
    std::size_t at = Offset(mark);
    if (at >= text_.size() || (text_[at] != '"' && text_[at] != '\''))
      return true;  // A block scalar.
    const char quote = text_[at];
    for (++at; at < text_.size(); ++at) {
      const bool escaped = quote == '"' ? text_[at] == '\\' : text_.substr(at, 2) == "''";
      if (escaped) {
        ++at;
      } else if (text_[at] == quote) {
        return true;
      }
    }
    return false;
  }

  // The text of the line, its end included.
  std::string_view Line(int line) const {
    if (line < 0 || static_cast<std::size_t>(line) >= starts_.size()) return {};
    return text_.substr(starts_[static_cast<std::size_t>(line)]);
  }

 private:
  std::size_t LineStart(const YAML::Mark& mark) const {
    const auto line = static_cast<std::size_t>(std::max(mark.line, 0));
    return line < starts_.size() ? starts_[line] : text_.size();
  }
  std::size_t Offset(const YAML::Mark& mark) const {
    return std::min(LineStart(mark) + static_cast<std::size_t>(std::max(mark.column, 0)),
                    text_.size());
  }
  int StartsCharacter(std::size_t at) const {
    return (static_cast<unsigned char>(text_[at]) & 0xC0) == 0x80 ? 0 : 1;
  }

  std::string_view text_;
  std::size_t bom_;
  std::vector<std::size_t> starts_;  // Of each line.
  // Where Column() counted last.
  std::size_t line_start_ = 0;
  std::size_t counted_to_ = 0;
  int characters_ = 0;
};

// Builds the tree from the parser's events. The parser cannot be stopped from within an event, so
// after the first problem the rest is passed over.
class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(YamlTree& tree, Places& places) : tree_(tree), places_(places) {}

  bool failed() const { return tree_.problem.has_value(); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    anchors_.clear();
    if (tree_.roots.size() < limits::kManifestDocuments) return;
    Fail(mark, fmt::format("must have at most {} documents", limits::kManifestDocuments));
  }
  void OnDocumentEnd() override {}

  // The parser takes the end of the text for the end of a quoted scalar that ends in a line break.
  // Such a scalar is the last one there is.
  void CheckLastQuoteCloses() {
    if (!failed() && last_quoted_ && !places_.QuoteCloses(*last_quoted_)) {
      Fail(*last_quoted_, "must be valid YAML: the quote that starts here is never closed");
    }
  }

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    AddLeaf(mark, YamlNode{}, anchor);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    const bool quoted = tag == "!";
    if (!quoted) RefuseTag(mark, tag);
    if (quoted) last_quoted_ = mark;
    if (value.find('\0') != value.npos) Fail(mark, "must be text without NUL characters");
    YamlNode node;
    node.type = YamlNode::Type::kScalar;
    node.quoted = quoted;
    node.text = value;
    AddLeaf(mark, std::move(node), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (failed()) return;
    const auto target = anchors_.find(anchor);
    if (target == anchors_.end()) {
      return Fail(mark, "must not have an alias inside of what it stands for");
    }
    Attach(mark, target->second.index, target->second.expanded);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(mark, YamlNode::Type::kSequence, tag, anchor);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(mark, YamlNode::Type::kMap, tag, anchor);
  }
  void OnMapEnd() override { Close(); }

 private:
  struct OpenNode {
    std::uint32_t index;
    YAML::anchor_t anchor;
    std::size_t expanded;  // Nodes in it so far if every alias were written out.
    YAML::Mark mark;
  };
  struct Anchored {
    std::uint32_t index;
    std::size_t expanded;
  };

  void Fail(const YAML::Mark& mark, std::string message) {
    if (!failed())
      tree_.problem = YamlProblem{mark.line + 1, places_.Column(mark), std::move(message)};
  }

  void RefuseTag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    Fail(mark, fmt::format("must not have YAML tags, got {}", Quoted(tag)));
  }

  std::uint32_t AddNode(const YAML::Mark& mark, YamlNode node) {
    node.line = mark.line + 1;
    node.column = places_.Column(mark);
    tree_.nodes.push_back(std::move(node));
    return static_cast<std::uint32_t>(tree_.nodes.size() - 1);
  }

  void Attach(const YAML::Mark& mark, std::uint32_t index, std::size_t expanded) {
    if (open_.empty()) {
      tree_.roots.push_back(index);
      total_ += expanded;
    } else {
      tree_.nodes[open_.back().index].children.push_back(index);
      open_.back().expanded += expanded;
    }
    if (total_ + (open_.empty() ? 0 : open_.back().expanded) > limits::kManifestNodes) {
      Fail(mark, fmt::format("must have at most {} values after its aliases are written out",
                             limits::kManifestNodes));
    }
  }

  void AddLeaf(const YAML::Mark& mark, YamlNode node, YAML::anchor_t anchor) {
    if (failed()) return;
    const std::uint32_t index = AddNode(mark, std::move(node));
    if (anchor != YAML::NullAnchor) anchors_[anchor] = {index, 1};
    Attach(mark, index, 1);
  }

  void Open(const YAML::Mark& mark, YamlNode::Type type, const std::string& tag,
            YAML::anchor_t anchor) {
    RefuseTag(mark, tag);
    if (open_.size() >= limits::kManifestDepth) {
      Fail(mark, fmt::format("must be nested at most {} deep", limits::kManifestDepth));
    }
    if (failed()) return;
    YamlNode node;
    node.type = type;
    open_.push_back({AddNode(mark, std::move(node)), anchor, 1, mark});
  }

  void Close() {
    if (failed()) return;
    const OpenNode closed = open_.back();
    open_.pop_back();
    if (closed.anchor != YAML::NullAnchor)
      anchors_[closed.anchor] = {closed.index, closed.expanded};
    Attach(closed.mark, closed.index, closed.expanded);
  }

  YamlTree& tree_;
  Places& places_;
  std::optional<YAML::Mark> last_quoted_;
  std::vector<OpenNode> open_;
  std::map<YAML::anchor_t, Anchored> anchors_;  // Of the document; only finished nodes.
  std::size_t total_ = 0;                       // Nodes of finished documents, written out.
};

// The parser's own words say little about tabs, the most common mistake of all.
bool HasTabIndent(std::string_view line) {
  const std::size_t first = line.find_first_not_of(' ');
  return first != line.npos && line[first] == '\t';
}

YamlProblem Explain(const YAML::Exception& error, Places& places) {
  std::string message = fmt::format("must be valid YAML: {}", error.msg);
  if (HasTabIndent(places.Line(error.mark.line)) ||
      HasTabIndent(places.Line(error.mark.line - 1))) {
    message += "; indent with spaces, not tabs";
  }
  return {std::max(error.mark.line, 0) + 1, places.Column(error.mark), std::move(message)};
}

}  // namespace

YamlTree ParseYaml(std::string_view text) {
  YamlTree tree;
  if (text.size() > limits::kManifestBytes) {
    tree.problem = YamlProblem{1, 1,
                               fmt::format("must have at most {}, got {} bytes",
                                           FormatSize(limits::kManifestBytes), text.size())};
    return tree;
  }
  tree.problem = FindBadBytes(text);
  if (tree.problem) return tree;

  ViewBuffer buffer(text);
  std::istream stream(&buffer);
  Places places(text);
  TreeBuilder builder(tree, places);
  try {
    YAML::Parser parser(stream);
    while (!builder.failed() && parser.HandleNextDocument(builder)) {
    }
    builder.CheckLastQuoteCloses();
  } catch (const YAML::Exception& error) {
    if (!tree.problem) tree.problem = Explain(error, places);
  } catch (const std::exception& error) {
    // What the parser lets through from the standard library on text that makes no sense.
    if (!tree.problem)
      tree.problem = YamlProblem{1, 1, fmt::format("must be valid YAML: {}", error.what())};
  }
  return tree;
}

}  // namespace sluice::manifest
