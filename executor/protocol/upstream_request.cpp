#include "protocol/upstream_request.h"

#include <algorithm>
#include <utility>

#include "base/json_reader.h"

namespace agw::protocol {
namespace {

enum class Fate { Keep, Drop };

// What becomes of one member of an object.
struct Edit {
  Fate fate = Fate::Keep;
  std::string key;    // "": as it is
  std::string value;  // "": as it is
};

std::size_t offsetIn(std::string_view text, std::string_view part) {
  return static_cast<std::size_t>(part.data() - text.data());
}

// The object with each member as `edit` says; of the others every byte stays.
template <class EditMember>
std::string editObject(std::string_view object, const EditMember& edit) {
  const std::vector<RawMember> members = splitObject(object);
  if (members.empty()) return std::string(object);
  std::string out;
  out.reserve(object.size());
  std::size_t at = object.find('{') + 1;
  out.append(object.substr(0, at));
  bool is_first = true;
  for (std::size_t i = 0; i < members.size(); ++i) {
    const std::string_view value = members[i].value;
    const std::size_t begin = offsetIn(object, value);
    // Behind a value there are white space and a comma, or what ends the object.
    const bool is_last = i + 1 == members.size();
    const std::size_t end = is_last ? begin + value.size() : object.find(',', begin + value.size());
    const Edit change = edit(members[i]);
    if (change.fate == Fate::Keep) {
      if (!std::exchange(is_first, false)) out.push_back(',');
      if (change.key.empty()) {
        out.append(object.substr(at, begin - at));
      } else {
        appendJsonString(out, change.key);
        out.push_back(':');
      }
      out.append(change.value.empty() ? value : std::string_view(change.value));
      out.append(object.substr(begin + value.size(), end - begin - value.size()));
    }
    at = is_last ? end : end + 1;
  }
  out.append(object.substr(at));
  return out;
}

// The array with each element as `edit` says.
template <class EditElement>
std::string editArray(std::string_view array, const EditElement& edit) {
  std::string out;
  out.reserve(array.size());
  std::size_t at = 0;
  for (const std::string_view element : splitArray(array)) {
    const std::size_t begin = offsetIn(array, element);
    out.append(array.substr(at, begin - at)).append(edit(element));
    at = begin + element.size();
  }
  out.append(array.substr(at));
  return out;
}

// The value without the members at `path`.
std::string withoutField(std::string_view value, std::string_view path) {
  if (value.starts_with('[')) {
    return editArray(value,
                     [path](std::string_view element) { return withoutField(element, path); });
  }
  if (!value.starts_with('{')) return std::string(value);
  const std::size_t dot = path.find('.');
  const std::string_view name = path.substr(0, dot);
  return editObject(value, [&](const RawMember& member) {
    Edit edit;
    if (member.key != name) return edit;
    if (dot == std::string_view::npos) {
      edit.fate = Fate::Drop;
    } else {
      edit.value = withoutField(member.value, path.substr(dot + 1));
    }
    return edit;
  });
}

bool isDeveloper(std::string_view role) {
  if (role == R"("developer")") return true;
  if (role.find('\\') == std::string_view::npos) return false;
  const Result<Json> parsed = parseJson(role);  // written with escapes
  return parsed && *parsed == "developer";
}

std::string systemForDeveloper(std::string_view messages) {
  if (!messages.starts_with('[')) return std::string(messages);
  return editArray(messages, [](std::string_view message) {
    if (!message.starts_with('{')) return std::string(message);
    return editObject(message, [](const RawMember& member) {
      Edit edit;
      if (member.key == "role" && isDeveloper(member.value)) edit.value = R"("system")";
      return edit;
    });
  });
}

class Changer {
 public:
  Changer(const RequestChanges& changes, std::string_view body) : changes_(changes) {
    if (changes_.max_tokens_for_completion_tokens) limit_ = limitIn(body);
  }

  Edit operator()(const RawMember& member) const {
    Edit edit;
    const std::string_view key = member.key;
    const bool is_dropped = (key == "stream_options" && changes_.drop_stream_options) ||
                            (key == "parallel_tool_calls" && changes_.drop_parallel_tool_calls);
    if (is_dropped) edit.fate = Fate::Drop;
    if (key == "model" && !changes_.model.empty()) appendJsonString(edit.value, changes_.model);
    if (key == "messages" && changes_.system_for_developer) {
      edit.value = systemForDeveloper(member.value);
    }
    if (changes_.max_tokens_for_completion_tokens) moveLimit(member, edit);
    return edit;
  }

 private:
  // The value of max_completion_tokens where it says something.
  static std::string_view limitIn(std::string_view body) {
    for (const RawMember& member : splitObject(body)) {
      if (member.key == "max_completion_tokens" && member.value != "null") return member.value;
    }
    return {};
  }

  // It is the newer name of the two, so it wins where both are there.
  void moveLimit(const RawMember& member, Edit& edit) const {
    if (member.key == "max_tokens" && !limit_.empty()) edit.fate = Fate::Drop;
    if (member.key != "max_completion_tokens") return;
    if (limit_.empty()) {
      edit.fate = Fate::Drop;
    } else {
      edit.key = "max_tokens";
    }
  }

  const RequestChanges& changes_;
  std::string_view limit_;
};

}  // namespace

bool RequestChanges::empty() const {
  return model.empty() && !system_for_developer && !drop_stream_options &&
         !drop_parallel_tool_calls && !max_tokens_for_completion_tokens && drop_fields.empty();
}

std::string changeRequest(std::string_view body, const RequestChanges& changes) {
  std::string out = editObject(body, Changer(changes, body));
  for (const std::string_view field : changes.drop_fields) out = withoutField(out, field);
  return out;
}

}  // namespace agw::protocol
