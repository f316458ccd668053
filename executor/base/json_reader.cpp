#include "base/json_reader.h"

#include <algorithm>
#include <iterator>
#include <unordered_map>

#include "shared/body_scanner.h"

namespace agw {
namespace {

// From this many members on, duplicates are looked for with a hash table: a linear search a member
// would let one large object cost the square of its size.
constexpr std::size_t kLinearSearchMembers = 16;

Error faultError(ScanStatus fault) {
  const ScanErrorInfo& info = scanError(fault);
  return clientError(info.code, std::string(info.message), std::string(info.param));
}

// Positions go into the message, the text itself never: it may hold a secret.
Error invalidJson(std::size_t position) {
  Error error = faultError(ScanStatus::InvalidJson);
  if (!error.message.empty() && error.message.back() == '.') error.message.pop_back();
  error.message += " (near byte " + std::to_string(position) + ").";
  return error;
}

Error numberTooLarge(std::size_t position) {
  Error error = faultError(ScanStatus::InvalidJson);
  error.message = "A number in the JSON is too large (near byte " + std::to_string(position) + ").";
  return error;
}

// Builds the tree from its leaves up: values and keys wait on two stacks until their object or
// array ends, so that an ordered object is filled once, in its final size. (Growing nlohmann's
// ordered map copies its values, and its insertion searches all earlier keys.)
class TreeBuilder final : public nlohmann::json_sax<Json> {
 public:
  explicit TreeBuilder(const std::vector<std::string_view>& unique_keys)
      : unique_keys_(unique_keys), seen_(unique_keys.size(), false) {}

  bool null() override { return add(Json(nullptr)); }
  bool boolean(bool value) override { return add(Json(value)); }
  bool number_integer(number_integer_t value) override { return add(Json(value)); }
  bool number_unsigned(number_unsigned_t value) override { return add(Json(value)); }
  bool number_float(number_float_t value, const string_t&) override { return add(Json(value)); }
  bool string(string_t& value) override { return add(Json(std::move(value))); }
  bool binary(binary_t& value) override { return add(Json(std::move(value))); }

  bool start_object(std::size_t) override { return open(); }
  bool start_array(std::size_t) override { return open(); }

  bool key(string_t& name) override {
    if (open_.size() == 1 && !checkUnique(name)) return false;
    keys_.push_back(std::move(name));
    return true;
  }

  bool end_object() override {
    const std::size_t first = open_.back();
    const std::size_t count = values_.size() - first;
    const std::size_t first_key = keys_.size() - count;
    Json object = Json::object();
    auto& members = object.get_ref<Json::object_t&>();
    members.reserve(count);
    if (count > kLinearSearchMembers) {
      mergeMany(members, first, first_key, count);
    } else {
      for (std::size_t i = 0; i < count; ++i) {
        std::string& name = keys_[first_key + i];
        const auto same = std::find_if(members.begin(), members.end(),
                                       [&](const auto& member) { return member.first == name; });
        put(members, same, std::move(name), std::move(values_[first + i]));
      }
    }
    keys_.resize(first_key);
    return close(first, std::move(object));
  }

  bool end_array() override {
    const std::size_t first = open_.back();
    Json array = Json::array();
    auto& elements = array.get_ref<Json::array_t&>();
    elements.reserve(values_.size() - first);
    std::move(values_.begin() + static_cast<std::ptrdiff_t>(first), values_.end(),
              std::back_inserter(elements));
    return close(first, std::move(array));
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& fault) override {
    constexpr int kNumberOverflow = 406;
    error_ = fault.id == kNumberOverflow ? numberTooLarge(position) : invalidJson(position);
    return false;
  }

  Json takeTree() { return std::move(values_.front()); }
  Error takeError() { return std::move(error_); }

 private:
  using Members = Json::object_t;

  bool add(Json value) {
    values_.push_back(std::move(value));
    return true;
  }

  bool open() {
    if (open_.size() == kMaxJsonDepth) {
      error_ = faultError(ScanStatus::TooDeep);
      return false;
    }
    open_.push_back(values_.size());
    return true;
  }

  bool close(std::size_t first, Json value) {
    values_.resize(first);
    open_.pop_back();
    return add(std::move(value));
  }

  bool checkUnique(const std::string& name) {
    for (std::size_t i = 0; i < unique_keys_.size(); ++i) {
      if (unique_keys_[i] != name) continue;
      if (seen_[i]) {
        error_ = faultError(ScanStatus::DuplicateKey);
        error_.message = "The key \"" + name + "\" stands twice in the request body; send it once.";
        error_.param = name;
        return false;
      }
      seen_[i] = true;
    }
    return true;
  }

  // A later member takes the place of an earlier one of the same name.
  static void put(Members& members, Members::iterator same, std::string&& name, Json&& value) {
    if (same != members.end()) {
      same->second = std::move(value);
    } else {
      members.emplace_back(std::move(name), std::move(value));
    }
  }

  void mergeMany(Members& members, std::size_t first, std::size_t first_key, std::size_t count) {
    std::unordered_map<std::string_view, std::size_t> places;  // views into keys_, which stay put
    places.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      const std::string& name = keys_[first_key + i];
      const auto [place, added] = places.try_emplace(name, members.size());
      const auto same =
          added ? members.end() : members.begin() + static_cast<std::ptrdiff_t>(place->second);
      put(members, same, std::string(name), std::move(values_[first + i]));
    }
  }

  const std::vector<std::string_view>& unique_keys_;
  std::vector<bool> seen_;
  std::vector<Json> values_;
  std::vector<std::string> keys_;
  std::vector<std::size_t> open_;  // index into values_ of each open container's first value
  Error error_;
};

}  // namespace

Result<Json> parseJson(std::string_view text, const std::vector<std::string_view>& unique_keys) {
  if (text.empty()) return faultError(ScanStatus::Empty);
  if (text.starts_with("\xEF\xBB\xBF")) return faultError(ScanStatus::Bom);
  // The library takes a NUL byte outside strings for the end of its input.
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
    return invalidJson(nul + 1);
  }
  TreeBuilder builder(unique_keys);
  if (!Json::sax_parse(text.data(), text.data() + text.size(), &builder,
                       nlohmann::detail::input_format_t::json, /*strict=*/true)) {
    return builder.takeError();
  }
  return Result<Json>(boost::system::in_place_value, builder.takeTree());
}

}  // namespace agw
