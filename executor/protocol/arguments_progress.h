// How far the text of a call's arguments has come: one JSON object, or more of it to come. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace agw::protocol {

class ArgumentsProgress {
 public:
  void add(std::string_view piece);
  bool hasBegun() const { return begun_; }  // something but white space was there
  // An object or array has come to its end.
  bool isComplete() const { return complete_; }
  // `piece` is what has come so far, once more.
  bool isRepeated(std::string_view piece) const {
    return piece.size() == size_ && hash(kStart, piece) == hash_;
  }

 private:
  static constexpr std::uint64_t kStart = 0xcbf29ce484222325u;  // FNV-1a
  static std::uint64_t hash(std::uint64_t from, std::string_view piece);

  std::size_t size_ = 0;
  std::uint64_t hash_ = kStart;
  unsigned depth_ = 0;
  bool begun_ = false;
  bool complete_ = false;
  bool in_string_ = false;
  bool escaped_ = false;
};

}  // namespace agw::protocol
