// The bytes of a request, made from the options once; only the id differs from one to the next.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bench/load/options.h"

namespace agent_load {

class RequestText {
 public:
  explicit RequestText(const Options& options);

  // The request with that id: written into `room`, or the one text that all share when the body
  // holds no {{id}}. Good until `room` changes.
  std::string_view render(std::string_view id, std::string& room) const;

 private:
  std::string head_;                 // up to the value of Content-Length
  std::vector<std::string> pieces_;  // of the body, between the ids
  std::size_t body_size_ = 0;        // without the ids
  std::string shared_;               // head and body, when there is no id in it
};

}  // namespace agent_load
