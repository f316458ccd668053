// Reads the members of one JSON object of a script; whatever is left over is a mistake.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "script.h"

namespace scripted_llm {

class ObjectReader {
 public:
  // `object` must outlive the reader. Throws ScriptError when it is not an object.
  ObjectReader(const Json& object, std::string place);

  // Null when the member is absent. Each name counts as known from then on.
  const Json* get(const std::string& name);

  std::optional<std::string> text(const std::string& name);
  std::optional<Template> textTemplate(const std::string& name);
  std::optional<std::uint64_t> number(const std::string& name, std::uint64_t max);
  std::chrono::milliseconds milliseconds(const std::string& name);
  bool flag(const std::string& name, bool otherwise = false);

  std::string placeOf(const std::string& name) const { return place_ + "." + name; }
  [[noreturn]] void fail(const std::string& name, const std::string& what) const;

  // Throws for a member nobody asked for.
  void finish() const;

 private:
  const Json& object_;
  std::string place_;
  std::set<std::string> known_;
};

}  // namespace scripted_llm
