// `agent-executor keys list|check`: what stands in the key file. Neither changes or locks anything:
// the file is replaced as a whole, so it can always be read.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>

namespace agw::cli {

enum class ListForm { Table, Json };

// A line for each secret to `out`. With a bad line in the file: the good ones, the problems to
// `err`, and 1.
int listKeys(const std::string& file, ListForm form, std::int64_t now_unix, std::ostream& out,
             std::ostream& err);

// Every problem to `err`, and 1; or a summary and a warning for each key that has expired or soon
// will to `out`, and 0.
int checkKeys(const std::string& file, std::int64_t now_unix, std::ostream& out, std::ostream& err);

}  // namespace agw::cli
