// What the double answers: a script file as plain values. The format is described in ../README.md.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "template.h"

namespace scripted_llm {

using Json = nlohmann::ordered_json;

// How a text is cut into events.
struct Fragments {
  enum class Kind { Whole, Size, Words, List };
  Kind kind = Kind::Whole;
  std::size_t size = 0;        // Size: bytes a piece, never cutting a UTF-8 character
  std::vector<Template> list;  // List: the pieces themselves
};

struct ToolCall {
  Template name;
  std::optional<std::string> id;  // absent: unique for each exchange
  std::optional<Template> arguments_text;
  Json arguments;  // used when arguments_text is absent; its strings are templates
  Fragments fragments;
};

enum class UsageWhen { Asked, Always, Never };
enum class AnswerAs { Requested, Json, Sse };

struct Turn {
  std::optional<Template> text;
  Fragments fragments;
  std::uint64_t repeat = 1;  // the whole text this many times
  std::optional<Template> reasoning;
  std::vector<ToolCall> tool_calls;
  bool interleave = false;  // the fragments of several tool calls take turns
  std::string finish_reason;
  std::optional<Json> usage;  // absent: the default counts; null: none
  UsageWhen usage_when = UsageWhen::Asked;
  AnswerAs answer_as = AnswerAs::Requested;

  std::chrono::milliseconds delay{0};         // before the first byte
  std::chrono::milliseconds header_delay{0};  // between the headers and the first event
  std::chrono::milliseconds event_delay{0};
  std::uint64_t events_per_write = 1;

  std::optional<unsigned> status;
  std::optional<std::string> body;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string content_type;
  std::optional<std::string> raw;  // replayed byte for byte
  bool raw_http = false;           // `raw` holds the status line and the headers too
  std::size_t chunk_bytes = 0;     // size of the pieces of `raw`; 0: one piece

  std::optional<std::uint64_t> close_after_events;
  std::optional<std::uint64_t> reset_after_events;
  std::optional<std::uint64_t> hang_after_events;
  bool no_done = false;
  bool no_finish = false;
  bool close = false;  // close the connection after a complete answer, without having said so
};

using Turns = std::vector<Turn>;

struct Rule {
  std::optional<boost::regex> if_user_matches;
  std::optional<std::string> if_tool_offered;
  Turns turns;
};

struct Model {
  std::vector<Rule> rules;
  Turns turns;
  bool strict = true;  // refuse a conversation that OpenAI would refuse
};

class Script {
 public:
  // Throws ScriptError. `folder` is where raw_file names are looked up.
  static std::shared_ptr<const Script> parse(const std::string& text,
                                             const std::filesystem::path& folder);

  // The model of that name, else "*", else null.
  const Model* find(const std::string& name) const;
  std::vector<std::string> names() const;                           // without "*"
  const std::string& expectedKey() const { return expected_key_; }  // empty: not set
  bool refusesOtherKeys() const { return refuses_other_keys_; }

 private:
  std::map<std::string, Model> models_;
  std::string expected_key_;
  bool refuses_other_keys_ = false;
};

// The turns of the first rule whose conditions all hold, else the model's own. `offered`: the names
// of the request's tools.
const Turns& chooseTurns(const Model& model, const std::string& last_user,
                         const std::set<std::string>& offered);

}  // namespace scripted_llm
