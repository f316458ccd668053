// From the text of a key file to what the shared table will hold. No nginx, no I/O.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ngx_module/key_table.h"

namespace agw {

struct KeyFileError {
  std::uint64_t line;  // 0: the file as a whole
  std::string message;
};

// All or nothing: nullptr when `errors` is not empty. At most kMaxKeyFileErrors are reported.
// `capacity` and `text_size` are those of the table. May throw std::bad_alloc.
inline constexpr std::size_t kMaxKeyFileErrors = 20;
std::unique_ptr<KeyImage> buildKeyImage(std::string_view file_text, std::uint64_t capacity,
                                        std::uint64_t text_size, std::vector<KeyFileError>& errors);

}  // namespace agw
