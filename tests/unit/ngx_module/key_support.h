// Key files, tables of keys and folders for the tests of them.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "ngx_module/key_file.h"
#include "ngx_module/key_table.h"

namespace agw::test {

// A hash of any 32 bytes: its first 8 decide where the search begins.
inline KeyHash hashOf(std::uint64_t first, std::uint64_t rest) {
  KeyHash hash{};
  for (std::size_t i = 0; i < 8; ++i) {
    hash[i] = static_cast<unsigned char>(first >> (8 * i));
    hash[8 + i] = static_cast<unsigned char>(rest >> (8 * i));
  }
  hash[31] = 1;
  return hash;
}
// Spread over the table, and a different one for every `n`.
inline KeyHash hashOf(std::uint64_t n) { return hashOf(n * 0x9E3779B97F4A7C15ULL, n); }

inline std::string hex(const KeyHash& hash) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : hash) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 0xF];
  }
  return text;
}

// A line of a key file without its end.
inline std::string keyLine(const std::string& id, const KeyHash& hash,
                           const std::string& words = "") {
  return id + " sha256:" + hex(hash) + (words.empty() ? "" : " " + words);
}
inline std::string keyLine(const std::string& id, std::uint64_t n, const std::string& words = "") {
  return keyLine(id, hashOf(n), words);
}

struct AlignedDelete {
  void operator()(void* memory) const { std::free(memory); }
};
using AlignedMemory = std::unique_ptr<void, AlignedDelete>;
// Exactly `size` bytes, so that AddressSanitizer sees a step outside.
inline AlignedMemory alignedMemory(std::size_t size) {
  void* memory = nullptr;
  if (::posix_memalign(&memory, 64, size) != 0) throw std::bad_alloc();
  return AlignedMemory(memory);
}

// A table in memory of its own.
class OwnTable {
 public:
  explicit OwnTable(std::uint64_t capacity, std::uint64_t text_size = 64 * 1024)
      : memory_(alignedMemory(KeyTable::bytesFor(capacity, text_size))),
        table_(KeyTable::create(memory_.get(), capacity, text_size)) {}

  KeyTable* operator->() const { return table_; }
  KeyTable* get() const { return table_; }

  std::unique_ptr<KeyImage> image(const std::string& file) const {
    std::vector<KeyFileError> errors;
    auto image = buildKeyImage(file, table_->capacity(), table_->textSize(), errors);
    if (image == nullptr) throw std::runtime_error(errors.at(0).message);
    return image;
  }
  void load(const std::string& file) const {
    table_->fillIdle(*image(file));
    table_->publish();
  }
  // "id", "(unknown)" or "(not loaded)".
  std::string idOf(std::uint64_t n) const {
    FoundKey found;
    switch (table_->find(hashOf(n), found)) {
      case KeyLookup::Found:
        return std::string(found.id());
      case KeyLookup::Unknown:
        return "(unknown)";
      default:
        return "(not loaded)";
    }
  }

 private:
  AlignedMemory memory_;
  KeyTable* table_;
};

// A folder that is removed with its content at the end of a test.
class TempFolder {
 public:
  TempFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "agw-keys-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    path_ = pattern;
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  std::string file(const std::string& name) const { return (path_ / name).string(); }
  std::string write(const std::string& name, const std::string& text) const {
    std::FILE* out = std::fopen(file(name).c_str(), "wb");
    if (out == nullptr) throw std::runtime_error("cannot write " + file(name));
    const bool is_written = std::fwrite(text.data(), 1, text.size(), out) == text.size();
    if (std::fclose(out) != 0 || !is_written) throw std::runtime_error("short write");
    return file(name);
  }

 private:
  std::filesystem::path path_;
};

}  // namespace agw::test
