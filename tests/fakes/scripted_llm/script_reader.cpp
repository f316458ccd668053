#include "script_reader.h"

namespace scripted_llm {
namespace {

constexpr std::uint64_t kMaxDelayMs = 24ull * 3600 * 1000;

}  // namespace

ObjectReader::ObjectReader(const Json& object, std::string place)
    : object_(object), place_(std::move(place)) {
  if (!object.is_object()) throw ScriptError(place_ + ": must be an object");
}

void ObjectReader::fail(const std::string& name, const std::string& what) const {
  throw ScriptError(placeOf(name) + ": " + what);
}

const Json* ObjectReader::get(const std::string& name) {
  known_.insert(name);
  const auto found = object_.find(name);
  return found == object_.end() ? nullptr : &*found;
}

std::optional<std::string> ObjectReader::text(const std::string& name) {
  const Json* value = get(name);
  if (!value) return std::nullopt;
  if (!value->is_string()) fail(name, "must be a string");
  return value->get<std::string>();
}

std::optional<Template> ObjectReader::textTemplate(const std::string& name) {
  const auto value = text(name);
  if (!value) return std::nullopt;
  try {
    return Template::parse(*value);
  } catch (const ScriptError& error) {
    fail(name, error.what());
  }
}

std::optional<std::uint64_t> ObjectReader::number(const std::string& name, std::uint64_t max) {
  const Json* value = get(name);
  if (!value) return std::nullopt;
  if (!value->is_number_unsigned() || value->get<std::uint64_t>() > max) {
    fail(name, "must be an integer from 0 to " + std::to_string(max));
  }
  return value->get<std::uint64_t>();
}

std::chrono::milliseconds ObjectReader::milliseconds(const std::string& name) {
  return std::chrono::milliseconds(number(name, kMaxDelayMs).value_or(0));
}

bool ObjectReader::flag(const std::string& name, bool otherwise) {
  const Json* value = get(name);
  if (!value) return otherwise;
  if (!value->is_boolean()) fail(name, "must be true or false");
  return value->get<bool>();
}

void ObjectReader::finish() const {
  for (const auto& [name, value] : object_.items()) {
    if (!known_.contains(name)) fail(name, "is not known here");
  }
}

}  // namespace scripted_llm
