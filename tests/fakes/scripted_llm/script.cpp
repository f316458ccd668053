#include "script.h"

#include <fstream>
#include <iterator>

#include "script_reader.h"

namespace scripted_llm {
namespace {

constexpr std::uint64_t kUnbounded = std::uint64_t{1} << 62;
constexpr std::uintmax_t kMaxRawFile = 64u * 1024 * 1024;

std::string readRawFile(const std::filesystem::path& path, const std::string& place) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (error || size > kMaxRawFile) {
    throw ScriptError(place + ": cannot use " + path.string() + ": " +
                      (error ? error.message() : "larger than 64 MiB"));
  }
  std::ifstream file(path, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file || bytes.size() != size) throw ScriptError(place + ": cannot read " + path.string());
  return bytes;
}

Template parseTemplate(const Json& value, const std::string& place) {
  if (!value.is_string()) throw ScriptError(place + ": must be a string");
  try {
    return Template::parse(value.get<std::string>());
  } catch (const ScriptError& error) {
    throw ScriptError(place + ": " + error.what());
  }
}

Fragments readFragments(ObjectReader& reader) {
  const Json* value = reader.get("fragments");
  Fragments result;
  if (!value) return result;
  if (value->is_number_unsigned() && value->get<std::size_t>() > 0) {
    result.kind = Fragments::Kind::Size;
    result.size = value->get<std::size_t>();
  } else if (*value == "words") {
    result.kind = Fragments::Kind::Words;
  } else if (value->is_array()) {
    result.kind = Fragments::Kind::List;
    for (const Json& piece : *value) {
      result.list.push_back(parseTemplate(piece, reader.placeOf("fragments")));
    }
  } else {
    reader.fail("fragments", "must be a positive size, \"words\" or a list of strings");
  }
  return result;
}

// The strings within arguments are templates: find a mistake now, not in the middle of an answer.
void checkTemplates(const Json& value, const std::string& place) {
  if (value.is_string()) parseTemplate(value, place);
  if (value.is_structured()) {
    for (const auto& [name, member] : value.items()) checkTemplates(member, place + "." + name);
  }
}

ToolCall readToolCall(const Json& value, const std::string& place) {
  ObjectReader reader(value, place);
  ToolCall call;
  const auto name = reader.textTemplate("name");
  if (!name) reader.fail("name", "is missing");
  call.name = *name;
  call.id = reader.text("id");
  if (const Json* arguments = reader.get("arguments")) {
    if (arguments->is_string()) {
      call.arguments_text = parseTemplate(*arguments, reader.placeOf("arguments"));
    } else {
      checkTemplates(*arguments, reader.placeOf("arguments"));
      call.arguments = *arguments;
    }
  } else {
    call.arguments = Json::object();
  }
  call.fragments = readFragments(reader);
  reader.finish();
  return call;
}

void readFaults(ObjectReader& reader, Turn& turn) {
  turn.close_after_events = reader.number("close_after_events", kUnbounded);
  turn.reset_after_events = reader.number("reset_after_events", kUnbounded);
  turn.hang_after_events = reader.number("hang_after_events", kUnbounded);
  turn.no_done = reader.flag("no_done");
  turn.no_finish = reader.flag("no_finish");
  turn.close = reader.flag("close");
}

void readFixedAnswer(ObjectReader& reader, const std::filesystem::path& folder, Turn& turn) {
  if (const auto status = reader.number("status", 599)) {
    if (*status < 200) reader.fail("status", "must be an integer from 200 to 599");
    turn.status = static_cast<unsigned>(*status);
  }
  if (const Json* body = reader.get("body")) {
    turn.body = body->is_string() ? body->get<std::string>() : body->dump();
  }
  if (const Json* headers = reader.get("headers")) {
    ObjectReader header_reader(*headers, reader.placeOf("headers"));
    for (const auto& [name, ignored] : headers->items()) {
      const std::string value = header_reader.text(name).value_or("");
      if ((name + value).find_first_of("\r\n") != std::string::npos) {
        header_reader.fail(name, "may not hold a line end");
      }
      turn.headers.emplace_back(name, value);
    }
  }
  turn.content_type = reader.text("content_type").value_or("");
  turn.raw = reader.text("raw");
  if (const auto file = reader.text("raw_file")) {
    if (turn.raw) reader.fail("raw_file", "stands beside raw");
    turn.raw = readRawFile(folder / *file, reader.placeOf("raw_file"));
  }
  turn.raw_http = reader.flag("raw_http");
  turn.chunk_bytes = reader.number("chunk_bytes", kMaxRawFile).value_or(0);
}

template <class Enum>
Enum readChoice(ObjectReader& reader, const std::string& name,
                std::initializer_list<std::pair<const char*, Enum>> choices) {
  const auto value = reader.text(name);
  if (!value) return choices.begin()->second;
  std::string words;
  for (const auto& [word, meaning] : choices) {
    if (*value == word) return meaning;
    words += (words.empty() ? "" : ", ") + std::string(word);
  }
  reader.fail(name, "must be one of " + words);
}

Turn readTurn(const Json& value, const std::string& place, const std::filesystem::path& folder) {
  ObjectReader reader(value, place);
  Turn turn;
  turn.text = reader.textTemplate("text");
  turn.fragments = readFragments(reader);
  turn.repeat = reader.number("repeat", kUnbounded).value_or(1);
  turn.reasoning = reader.textTemplate("reasoning");
  if (const Json* calls = reader.get("tool_calls")) {
    if (!calls->is_array()) reader.fail("tool_calls", "must be a list");
    for (std::size_t i = 0; i < calls->size(); ++i) {
      turn.tool_calls.push_back(
          readToolCall((*calls)[i], reader.placeOf("tool_calls[" + std::to_string(i) + "]")));
    }
  }
  turn.interleave = reader.flag("interleave");
  turn.finish_reason =
      reader.text("finish_reason").value_or(turn.tool_calls.empty() ? "stop" : "tool_calls");
  if (const Json* usage = reader.get("usage")) {
    if (!usage->is_object() && !usage->is_null()) reader.fail("usage", "must be an object or null");
    turn.usage = *usage;
  }
  turn.usage_when = readChoice<UsageWhen>(
      reader, "usage_when",
      {{"asked", UsageWhen::Asked}, {"always", UsageWhen::Always}, {"never", UsageWhen::Never}});
  turn.answer_as = readChoice<AnswerAs>(
      reader, "answer_as",
      {{"requested", AnswerAs::Requested}, {"json", AnswerAs::Json}, {"sse", AnswerAs::Sse}});
  turn.delay = reader.milliseconds("delay_ms");
  turn.header_delay = reader.milliseconds("header_delay_ms");
  turn.event_delay = reader.milliseconds("event_delay_ms");
  turn.events_per_write = reader.number("events_per_write", 10000).value_or(1);
  if (turn.events_per_write == 0) reader.fail("events_per_write", "must be at least 1");
  readFixedAnswer(reader, folder, turn);
  readFaults(reader, turn);
  reader.finish();
  return turn;
}

Turns readTurns(const Json& value, const std::string& place, const std::filesystem::path& folder) {
  if (!value.is_array() || value.empty()) {
    throw ScriptError(place + ": must be a list of at least one turn");
  }
  Turns turns;
  for (std::size_t i = 0; i < value.size(); ++i) {
    turns.push_back(readTurn(value[i], place + "[" + std::to_string(i) + "]", folder));
  }
  return turns;
}

Rule readRule(const Json& value, const std::string& place, const std::filesystem::path& folder) {
  ObjectReader reader(value, place);
  Rule rule;
  const auto pattern = reader.text("if_user_matches");
  rule.if_tool_offered = reader.text("if_tool_offered");
  if (!pattern && !rule.if_tool_offered) {
    reader.fail("if_user_matches", "or if_tool_offered is missing");
  }
  const Json* turns = reader.get("turns");
  if (!turns) reader.fail("turns", "is missing");
  reader.finish();
  rule.turns = readTurns(*turns, reader.placeOf("turns"), folder);
  try {
    if (pattern) rule.if_user_matches.emplace(*pattern);
  } catch (const boost::regex_error& error) {
    reader.fail("if_user_matches", error.what());
  }
  return rule;
}

Model readModel(const Json& value, const std::string& place, const std::filesystem::path& folder) {
  ObjectReader reader(value, place);
  Model model;
  model.strict = reader.flag("strict", true);
  if (const Json* rules = reader.get("rules")) {
    if (!rules->is_array()) reader.fail("rules", "must be a list");
    for (std::size_t i = 0; i < rules->size(); ++i) {
      model.rules.push_back(
          readRule((*rules)[i], reader.placeOf("rules[" + std::to_string(i) + "]"), folder));
    }
  }
  const Json* turns = reader.get("turns");
  if (!turns) reader.fail("turns", "is missing");
  model.turns = readTurns(*turns, reader.placeOf("turns"), folder);
  reader.finish();
  return model;
}

}  // namespace

std::shared_ptr<const Script> Script::parse(const std::string& text,
                                            const std::filesystem::path& folder) {
  const Json root = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (root.is_discarded()) throw ScriptError("script: is not JSON");
  ObjectReader reader(root, "script");
  reader.get("description");
  std::string expected_key = reader.text("expect_key").value_or("");
  const bool refuses_other_keys = reader.flag("refuse_other_keys");
  const Json* models = reader.get("models");
  if (!models || !models->is_object()) reader.fail("models", "must be an object");
  reader.finish();
  auto script = std::make_shared<Script>();
  script->expected_key_ = std::move(expected_key);
  script->refuses_other_keys_ = refuses_other_keys;
  for (const auto& [name, model] : models->items()) {
    if (model.is_string()) continue;
    script->models_.emplace(name, readModel(model, "models." + name, folder));
  }
  for (const auto& [name, model] : models->items()) {
    if (!model.is_string()) continue;
    const auto same = script->models_.find(model.get<std::string>());
    if (same == script->models_.end())
      reader.fail("models." + name, "names a model that is not there");
    script->models_.insert_or_assign(name, Model(same->second));
  }
  return script;
}

const Model* Script::find(const std::string& name) const {
  auto found = models_.find(name);
  if (found == models_.end()) found = models_.find("*");
  return found == models_.end() ? nullptr : &found->second;
}

std::vector<std::string> Script::names() const {
  std::vector<std::string> names;
  for (const auto& [name, model] : models_) {
    if (name != "*") names.push_back(name);
  }
  return names;
}

const Turns& chooseTurns(const Model& model, const std::string& last_user,
                         const std::set<std::string>& offered) {
  const std::string subject = last_user.substr(0, kMaxRegexSubject);
  for (const Rule& rule : model.rules) {
    if (rule.if_tool_offered && !offered.contains(*rule.if_tool_offered)) continue;
    if (rule.if_user_matches && !boost::regex_search(subject, *rule.if_user_matches)) continue;
    return rule.turns;
  }
  return model.turns;
}

}  // namespace scripted_llm
