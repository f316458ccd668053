#include "ngx_module/key_file.h"

#include "ngx_module/key_image_builder.h"
#include "ngx_module/work_pieces.h"
#include "shared/api_key.h"
#include "shared/key_line_checks.h"

namespace agw {

std::unique_ptr<KeyImage> buildKeyImage(std::string_view file_text, std::uint64_t capacity,
                                        std::uint64_t text_size,
                                        std::vector<KeyFileError>& errors) {
  KeyImageBuilder builder(capacity, text_size, errors);
  WorkPieces pieces;
  std::uint64_t line_number = 0;
  std::string error;
  while (!file_text.empty() && errors.size() < kMaxKeyFileErrors) {
    const std::size_t end = file_text.find('\n');
    const std::string_view line = file_text.substr(0, end);
    file_text.remove_prefix(end == std::string_view::npos ? file_text.size() : end + 1);
    ++line_number;
    pieces.note(line.size());
    const KeyLineResult result = parseKeyLine(line, builder.place(), error);
    if (result == KeyLineResult::Empty) {
      continue;
    }
    if (result == KeyLineResult::Key) {
      error = checkKeyLine(builder.place());
    }
    if (error.empty()) {
      builder.take(line_number);
    } else {
      builder.refuse(line_number, error);
    }
  }
  return builder.finish();
}

}  // namespace agw
