#include "replayed_answer.h"

#include <set>
#include <utility>

#include "protocol/answer_shield.h"

namespace agw::test {
namespace {

using protocol::AnswerShield;
using protocol::ChatChunk;
using protocol::ChoiceDelta;

unsigned made = 0;
std::string nextId() { return "<made-" + std::to_string(++made) + ">"; }

// Puts chunks together as a client would, and notes what a client may not get.
class Reader {
 public:
  explicit Reader(bool stream) : stream_(stream) {}

  void take(const ChatChunk& chunk) {
    if (over_) fault("something after the end");
    for (const ChoiceDelta& delta : chunk.choices) takeDelta(delta);
    if (chunk.usage) {
      if (usage_) fault("usage twice");
      usage_ = {{"prompt_tokens", chunk.usage->prompt_tokens},
                {"completion_tokens", chunk.usage->completion_tokens},
                {"total_tokens", chunk.usage->total_tokens}};
    }
    if (chunk.rest.empty()) return;
    result_.chunks.emplace_back(chunk.rest);
    takeRest(chunk.rest);
  }

  void end() { over_ = true; }
  void fail(const Error& error) {
    end();
    error_ = {{"code", std::string(errorEntry(error.code).name)}, {"status", error.httpStatus()}};
    if (!error.detail.empty()) (*error_)["detail"] = error.detail;
  }

  Replayed result() {
    Json list = Json::array();
    for (Json& choice : choices_) list.push_back(std::move(choice));
    result_.outcome = {{"choices", list}};
    result_.outcome[stream_ ? "chunks" : "answer"] = stream_ ? chunks_ : answer_;
    if (stream_ && !members_.empty()) result_.outcome["members"] = members_;
    result_.outcome["usage"] = usage_ ? *usage_ : Json();
    if (error_) result_.outcome["error"] = *error_;
    return std::move(result_);
  }

 private:
  void fault(std::string what) { result_.faults.push_back(std::move(what)); }

  Json& choice(unsigned index) {
    for (Json& known : choices_) {
      if (known["index"] == index) return known;
    }
    choices_.push_back({{"index", index}, {"content", ""}, {"finish_reason", nullptr}});
    return choices_.back();
  }

  void takeDelta(const ChoiceDelta& delta) {
    Json& into = choice(delta.index);
    into["content"] = into["content"].get<std::string>() + delta.content;
    for (const RawMember& extra : delta.extras) {
      Json value = parseJson(extra.value).value();
      Json& place = into["extras"][extra.key];
      if (place.is_string() && value.is_string()) {
        place = place.get<std::string>() + value.get<std::string>();
      } else {
        place = std::move(value);
      }
    }
    for (const auto& part : delta.tool_calls) {
      Json& calls = into["tool_calls"];
      if (calls.is_null()) calls = Json::array();
      if (part.index > calls.size()) fault("a gap in the numbers of calls");
      const bool opens = part.index == calls.size();
      if (opens == part.id.empty()) fault("an id that is missing or repeated");
      if (opens) calls.push_back({{"id", part.id}, {"name", part.name}, {"arguments", ""}});
      Json& call = calls[part.index];
      call["arguments"] = call["arguments"].get<std::string>() + part.arguments;
    }
    if (delta.finish_reason.empty()) return;
    if (!into["finish_reason"].is_null()) fault("two finish reasons");
    into["finish_reason"] = delta.finish_reason;
  }

  void takeRest(std::string_view rest) {
    const Result<Json> parsed = parseJson("{\"id\":0" + std::string(rest));
    if (!parsed) return fault("no JSON: " + std::string(rest));
    Json object = *parsed;
    object.erase("id");
    if (!stream_) {
      answer_ = object;
      return;
    }
    if (rest.find('\n') != std::string_view::npos || rest.find('\r') != std::string_view::npos) {
      fault("a line break");
    }
    for (const Json& choice : object["choices"]) checkChunkChoice(choice);
    chunks_.push_back(object["choices"]);
    for (const auto& [key, value] : object.items()) {
      if (key == "usage") fault("usage in a chunk");
      if (key != "choices") members_[key] = value;
    }
  }

  void checkChunkChoice(const Json& choice) {
    static const std::set<std::string> kReasons{"stop", "length", "tool_calls", "content_filter",
                                                "function_call"};
    if (!choice.value("index", Json()).is_number_unsigned()) fault("no index");
    const Json& delta = choice.value("delta", Json());
    if (!delta.is_object()) fault("no delta");
    const bool first = roles_.insert(choice["index"].dump()).second;
    if (first != (delta.value("role", Json()) == "assistant")) fault("a role out of place");
    if (!choice.contains("finish_reason")) fault("no finish_reason");
    const Json reason = choice.value("finish_reason", Json());
    if (!reason.is_null() && !kReasons.contains(reason)) fault("finish_reason " + reason.dump());
    for (const Json& call : delta.value("tool_calls", Json::array())) {
      if (!call.value("index", Json()).is_number_unsigned()) fault("a call without index");
      const bool opens = call.contains("id");
      if (opens != call.contains("type")) fault("a call with half a head");
    }
  }

  bool stream_;
  bool over_ = false;
  std::vector<Json> choices_;
  std::set<std::string> roles_;
  Json chunks_ = Json::array();
  Json answer_;
  Json members_ = Json::object();
  std::optional<Json> usage_;
  std::optional<Json> error_;
  Replayed result_;
};

}  // namespace

Replayed replay(const QuirkFile& file, const std::function<std::size_t()>& cut) {
  made = 0;
  AnswerShield shield({file.stream, file.content_type, file.content_encoding, {&nextId}});
  Reader reader(file.stream);
  std::size_t at = 0;
  bool ended = false;
  for (;;) {
    const auto chunk = shield.next();
    if (!chunk) {
      reader.fail(chunk.error());
      break;
    }
    if (*chunk) {
      reader.take(**chunk);
    } else if (shield.isOver()) {
      reader.end();
      break;
    } else if (at < file.body.size()) {
      // A piece of its own: reading behind its end is seen by the sanitizer.
      const std::string piece = file.body.substr(at, cut());
      at += piece.size();
      shield.feed(piece);
    } else if (std::exchange(ended, true)) {
      Replayed endless;
      endless.faults.emplace_back("no end after the end of the body");
      return endless;
    } else if (file.breaks) {
      shield.broken(*file.breaks);
    } else {
      shield.end();
    }
  }
  return reader.result();
}

}  // namespace agw::test
