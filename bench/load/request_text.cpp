#include "bench/load/request_text.h"

#include <strings.h>

#include <algorithm>

namespace agent_load {
namespace {

constexpr std::string_view kId = "{{id}}";

bool names(const Options& options, const char* header) {
  return std::any_of(options.headers.begin(), options.headers.end(), [header](const auto& entry) {
    return strcasecmp(entry.first.c_str(), header) == 0;
  });
}

std::string headOf(const Options& options) {
  std::string head = "POST " + options.url.target + " HTTP/1.1\r\n";
  if (!names(options, "Host")) head += "Host: " + options.url.authority + "\r\n";
  if (!names(options, "Content-Type")) head += "Content-Type: application/json\r\n";
  for (const auto& [name, value] : options.headers) head += name + ": " + value + "\r\n";
  return head + "Content-Length: ";
}

std::vector<std::string> cutAtIds(std::string_view body) {
  std::vector<std::string> pieces;
  for (;;) {
    const auto place = body.find(kId);
    pieces.emplace_back(body.substr(0, place));
    if (place == std::string_view::npos) return pieces;
    body.remove_prefix(place + kId.size());
  }
}

}  // namespace

RequestText::RequestText(const Options& options)
    : head_(headOf(options)), pieces_(cutAtIds(options.body)) {
  for (const std::string& piece : pieces_) body_size_ += piece.size();
  if (pieces_.size() == 1) {
    shared_ = head_ + std::to_string(body_size_) + "\r\n\r\n" + pieces_.front();
  }
}

std::string_view RequestText::render(std::string_view id, std::string& room) const {
  if (!shared_.empty()) return shared_;
  room = head_;
  room += std::to_string(body_size_ + id.size() * (pieces_.size() - 1));
  room += "\r\n\r\n";
  room += pieces_.front();
  for (auto piece = pieces_.begin() + 1; piece != pieces_.end(); ++piece) {
    room += id;
    room += *piece;
  }
  return room;
}

}  // namespace agent_load
