#include "config/yaml_document.h"

#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <array>
#include <exception>
#include <map>
#include <sstream>
#include <unordered_map>
#include <utility>

#include "config/yaml_text.h"

namespace agw::config {
namespace {

// Far above any real file, far below what aliases of aliases can make of a few lines.
constexpr std::size_t kMaxDepth = 64;
constexpr std::size_t kMaxNodes = 200000;
constexpr std::size_t kMaxExpandedBytes = 32 * 1024 * 1024;

Place placeOf(const YAML::Mark& mark, std::size_t file) {
  if (mark.is_null()) return {0, 0, file};
  return {static_cast<std::size_t>(mark.line) + 1, static_cast<std::size_t>(mark.column) + 1, file};
}

// Ends the parse; the problem is reported already or told here.
struct StopParsing : std::exception {};

struct Size {
  std::size_t nodes = 0;
  std::size_t bytes = 0;
};

Size sizeOf(const Node& node) {
  Size size{1, node.text.size()};
  for (const Node& item : node.items) {
    const Size inner = sizeOf(item);
    size.nodes += inner.nodes;
    size.bytes += inner.bytes;
  }
  for (const Member& member : node.members) {
    const Size inner = sizeOf(member.value);
    size.nodes += inner.nodes;
    size.bytes += inner.bytes + member.key.size();
  }
  return size;
}

std::size_t depthOf(const Node& node) {
  std::size_t depth = 0;
  for (const Node& item : node.items) depth = std::max(depth, depthOf(item));
  for (const Member& member : node.members) depth = std::max(depth, depthOf(member.value));
  return depth + 1;
}

class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(std::size_t file, YamlUse& use, Problems& problems)
      : file_(file), use_(use), problems_(problems) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Node node;
    node.place = placeOf(mark, file_);
    complete(std::move(node), anchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    Node node;
    node.kind = Node::Kind::Scalar;
    node.place = placeOf(mark, file_);
    node.text = value;
    node.quoted = tag == "!" || tag == "tag:yaml.org,2002:str";
    static constexpr std::array<std::string_view, 6> kKnown = {"?",
                                                               "!",
                                                               "tag:yaml.org,2002:str",
                                                               "tag:yaml.org,2002:int",
                                                               "tag:yaml.org,2002:float",
                                                               "tag:yaml.org,2002:bool"};
    if (std::find(kKnown.begin(), kKnown.end(), tag) == kKnown.end()) refuseTag(node);
    complete(std::move(node), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      stop(placeOf(mark, file_), "an alias inside the value it stands for; write the value out");
    }
    Node copy = found->second;
    count(copy);
    if (frames_.size() + depthOf(copy) > kMaxDepth) tooDeep(placeOf(mark, file_));
    copy.place = placeOf(mark, file_);
    attach(std::move(copy));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(Node::Kind::List, mark, tag, "tag:yaml.org,2002:seq", anchor);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(Node::Kind::Map, mark, tag, "tag:yaml.org,2002:map", anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override { close(); }

  bool isNothing() const { return root_.kind == Node::Kind::Null; }
  Node takeRoot() { return std::move(root_); }

 private:
  struct Frame {
    Node node;
    YAML::anchor_t anchor = YAML::NullAnchor;
    bool has_key = false;  // of a map: the next value belongs to `key`
    bool skip = false;     // that value is dropped: its key was refused
    Member key;
    std::unordered_map<std::string, std::size_t> lines;  // of the keys so far
  };

  void open(Node::Kind kind, const YAML::Mark& mark, const std::string& tag,
            std::string_view standard_tag, YAML::anchor_t anchor) {
    if (frames_.size() == kMaxDepth) tooDeep(placeOf(mark, file_));
    Frame frame;
    frame.node.kind = kind;
    frame.node.place = placeOf(mark, file_);
    frame.anchor = anchor;
    if (tag != "?" && tag != "!" && !tag.empty() && tag != standard_tag) refuseTag(frame.node);
    frames_.push_back(std::move(frame));
  }

  void close() {
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    complete(std::move(frame.node), frame.anchor);
  }

  void complete(Node node, YAML::anchor_t anchor) {
    ++use_.nodes;
    use_.bytes += node.text.size();
    checkBounds(node.place);
    if (anchor != YAML::NullAnchor) {
      count(node);
      anchors_.insert_or_assign(anchor, node);
    }
    attach(std::move(node));
  }

  void attach(Node node) {
    if (frames_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& frame = frames_.back();
    if (frame.node.kind == Node::Kind::List) {
      frame.node.items.push_back(std::move(node));
    } else if (!frame.has_key) {
      takeKey(frame, node);
    } else {
      frame.has_key = false;
      if (frame.skip) return;
      // The library places a value that is not there at the token behind it.
      if (node.kind == Node::Kind::Null) node.place = frame.key.place;
      frame.key.value = std::move(node);
      frame.node.members.push_back(std::move(frame.key));
      frame.key = {};
    }
  }

  void takeKey(Frame& frame, Node& node) {
    frame.has_key = true;
    frame.skip = false;
    frame.key.place = node.place;
    frame.key.key.clear();
    if (node.kind != Node::Kind::Scalar) {
      frame.skip = true;
      problems_.add(node.place, path(), "a key must be plain text");
      return;
    }
    frame.key.key = std::move(node.text);
    const auto [first, added] = frame.lines.try_emplace(frame.key.key, node.place.line);
    if (!added) {
      frame.skip = true;
      problems_.add(
          node.place, path(),
          "the key stands twice (first on line " + std::to_string(first->second) + "); remove one");
    }
  }

  void refuseTag(Node& node) {
    node.broken = true;
    problems_.add(node.place, path(), "an unknown YAML tag; remove the word that starts with '!'");
  }

  [[noreturn]] void stop(Place place, std::string message) {
    problems_.add(place, path(), std::move(message));
    throw StopParsing();
  }
  [[noreturn]] void tooDeep(Place place) {
    problems_.add(place, "", "nested deeper than " + std::to_string(kMaxDepth) + " levels");
    throw StopParsing();
  }
  void count(const Node& copied) {
    const Size size = sizeOf(copied);
    use_.nodes += size.nodes;
    use_.bytes += size.bytes;
    checkBounds(copied.place);
  }
  void checkBounds(Place place) {
    if (!use_.isWithinBounds()) {
      stop(place, "the file is too large once its aliases are filled in; use fewer aliases");
    }
  }

  // The path of the value that comes next.
  std::string path() const {
    std::string out;
    for (const Frame& frame : frames_) {
      if (frame.node.kind == Node::Kind::List) {
        out += '[' + std::to_string(frame.node.items.size()) + ']';
      } else if (frame.has_key) {
        if (!out.empty()) out += '.';
        out += printable(frame.key.key);
      }
    }
    return out;
  }

  std::size_t file_;
  YamlUse& use_;
  Problems& problems_;
  std::vector<Frame> frames_;
  std::map<YAML::anchor_t, Node> anchors_;
  Node root_;
};

// Says where a second document starts, if there is one.
class SecondDocument final : public YAML::EventHandler {
 public:
  explicit SecondDocument(std::size_t file) : file_(file) {}

  void OnDocumentStart(const YAML::Mark& mark) override { place = placeOf(mark, file_); }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}

  Place place;

 private:
  std::size_t file_;
};

// The library does not see every such tab for what it is.
bool isIndentedWithTab(std::string_view text, std::size_t line) {
  std::size_t start = 0;
  for (std::size_t i = 1; i < line && start != std::string_view::npos; ++i) {
    start = text.find('\n', start);
    if (start != std::string_view::npos) ++start;
  }
  if (line == 0 || start == std::string_view::npos) return false;
  const std::size_t end = text.find_first_not_of(" \t", start);
  return text.substr(start, end - start).find('\t') != std::string_view::npos;
}

// The library's messages may end with a piece of the file, so only their fixed parts are used.
std::string syntaxMessage(const std::string& library_message) {
  using Pair = std::pair<std::string_view, std::string_view>;
  static const std::array kMessages = {
      Pair(YAML::ErrorMsg::TAB_IN_INDENTATION, "a tab is used for indentation; use spaces"),
      Pair(YAML::ErrorMsg::UNKNOWN_ANCHOR,
           "an alias without its anchor before it; quote the value if its '*' is part of the text"),
      Pair(YAML::ErrorMsg::INVALID_ESCAPE,
           "an unknown escape in double quotes; use single quotes or write \\\\ for a backslash"),
      Pair(YAML::ErrorMsg::INVALID_UNICODE, "an escape that is no Unicode character"),
      Pair(YAML::ErrorMsg::INVALID_HEX, "an escape with a character that is no hexadecimal digit"),
      Pair(YAML::ErrorMsg::UNKNOWN_TOKEN,
           "a character that cannot start a value; put the value in quotes"),
      Pair(YAML::ErrorMsg::END_OF_MAP,
           "a line that does not fit the map around it; check its indentation and its ':'"),
      Pair(YAML::ErrorMsg::END_OF_SEQ,
           "a line that does not fit the list around it; check its indentation and its '-'"),
      Pair(YAML::ErrorMsg::END_OF_MAP_FLOW, "'{' without '}', or no ',' before this"),
      Pair(YAML::ErrorMsg::END_OF_SEQ_FLOW, "'[' without ']', or no ',' before this"),
      Pair(YAML::ErrorMsg::FLOW_END, "'}' or ']' without its opening"),
      Pair(YAML::ErrorMsg::EOF_IN_SCALAR, "the file ends inside quotes that an earlier line opens"),
      Pair(YAML::ErrorMsg::DOC_IN_SCALAR, "quotes that are not closed before '---' or '...'"),
      Pair(YAML::ErrorMsg::MAP_VALUE,
           "a ':' that is not expected here; put a value that holds ': ' in quotes"),
      Pair(YAML::ErrorMsg::MAP_KEY, "a '?' that is not expected here; put the value in quotes"),
      Pair(YAML::ErrorMsg::BLOCK_ENTRY, "a '-' that is not expected here; check the indentation"),
      Pair(YAML::ErrorMsg::CHAR_IN_BLOCK, "text behind '|' or '>'; start it on the next line"),
      Pair(YAML::ErrorMsg::CHAR_IN_ALIAS,
           "a strange character in an alias; quote the value if its '*' is part of the text"),
      Pair(YAML::ErrorMsg::CHAR_IN_ANCHOR,
           "a strange character in an anchor; quote the value if its '&' is part of the text"),
      Pair(YAML::ErrorMsg::ALIAS_NOT_FOUND, "a '*' alone; put the value in quotes"),
      Pair(YAML::ErrorMsg::ANCHOR_NOT_FOUND, "a '&' alone; put the value in quotes"),
  };
  // The longest fixed part wins: one of them is the beginning of another.
  std::string_view best_part, best_text = "not valid YAML";
  for (const auto& [part, text] : kMessages) {
    if (part.size() > best_part.size() && library_message.starts_with(part)) {
      best_part = part;
      best_text = text;
    }
  }
  return std::string(best_text);
}

}  // namespace

bool YamlUse::isWithinBounds() const { return nodes <= kMaxNodes && bytes <= kMaxExpandedBytes; }

const Member* Node::find(std::string_view key) const {
  const auto found = std::find_if(members.begin(), members.end(),
                                  [key](const Member& member) { return member.key == key; });
  return found == members.end() ? nullptr : &*found;
}

std::optional<Node> readYaml(std::string_view text, std::size_t file, YamlUse& use,
                             Problems& problems) {
  if (!checkYamlText(text, file, problems)) return std::nullopt;
  // The library takes the end of the file for the end of open quotes; inside them, this comment
  // makes the end come in the middle of a line, which it refuses.
  std::string guarded(text);
  if (!guarded.empty() && guarded.back() != '\n') guarded += '\n';
  guarded += '#';
  std::istringstream stream(guarded);
  try {
    YAML::Parser parser(stream);
    TreeBuilder builder(file, use, problems);
    parser.HandleNextDocument(builder);
    if (builder.isNothing()) {
      problems.add({0, 0, file}, "", "the file is empty; it needs agents or upstreams");
      return std::nullopt;
    }
    SecondDocument second(file);
    if (parser.HandleNextDocument(second)) {
      problems.add(second.place, "", "a second document starts here; a file holds one");
    }
    return builder.takeRoot();
  } catch (const StopParsing&) {
  } catch (const YAML::DeepRecursion& error) {
    problems.add(placeOf(error.mark, file), "", "nested too deep");
  } catch (const YAML::Exception& error) {
    const Place place = placeOf(error.mark, file);
    problems.add(place, "",
                 isIndentedWithTab(text, place.line)
                     ? syntaxMessage(YAML::ErrorMsg::TAB_IN_INDENTATION)
                     : syntaxMessage(error.msg));
  }
  return std::nullopt;
}

}  // namespace agw::config
