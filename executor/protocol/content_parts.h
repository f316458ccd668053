// Content that came as a list of parts where a string is due. Pure.
#pragma once

#include <string>
#include <string_view>

namespace agw::protocol {

struct ContentText {
  std::string content;
  std::string reasoning;  // of parts that are the model's thoughts
};

// `json` is an array that has been looked at: strings, {"type":"text","text":…} and
// {"type":"thinking",…}. A part of another kind that holds a text counts as text.
ContentText textOfParts(std::string_view json);

}  // namespace agw::protocol
