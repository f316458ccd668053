// Writes YAML in block style, two blanks a level.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace agw::config {

// Text as a YAML scalar: bare where every reader takes it for text, else in double quotes. In
// values
// "${" is written so that it stands for itself; in keys it does so anyway.
std::string yamlScalar(std::string_view text);
std::string yamlKey(std::string_view text);

// The same for the text values of JSON, so that it is YAML.
std::string yamlOfJson(std::string_view json);

class YamlWriter {
 public:
  // `value` is YAML already: a scalar, or JSON.
  void line(std::string_view key, std::string_view value);
  void text(std::string_view key, std::string_view value) { line(key, yamlScalar(value)); }
  void item(std::string_view value);

  // A map or list below `key`, up to end().
  void begin(std::string_view key);
  // A map that is an item of a list, up to end(). It must get a line.
  void beginItem();
  void end();

  std::string take() { return std::move(out_); }

 private:
  void indent();

  std::string out_;
  std::size_t depth_ = 0;
  bool is_first_of_item_ = false;
};

}  // namespace agw::config
