// Puts the lines of a key file into an image, one after the other. No I/O.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ngx_module/key_file.h"
#include "ngx_module/key_table.h"
#include "shared/api_key.h"

namespace agw {

class KeyImageBuilder {
 public:
  // At most kMaxKeyFileErrors go to `errors`, in the order of the lines.
  KeyImageBuilder(std::uint64_t capacity, std::uint64_t text_size,
                  std::vector<KeyFileError>& errors);

  // Where the next line is parsed to. It counts once take() is called; its views stay valid until
  // finish().
  KeyLine& place() noexcept { return waiting_[waiting_count_].key; }
  void take(std::uint64_t line);
  // The line is no key.
  void refuse(std::uint64_t line, std::string message);

  // nullptr when there are errors. Nothing may be called after it.
  std::unique_ptr<KeyImage> finish();

 private:
  // A key that was read, and where it will be looked for. While the next ones are read, memory has
  // time to bring these places: they lie all over a table that no cache holds.
  struct WaitingKey {
    KeyLine key;
    std::uint64_t line;
    std::uint64_t slot;
    std::uint64_t id_place;
    std::uint32_t id_print;  // further bits of the id's hash
  };
  struct IdPlace {
    std::uint32_t slot;  // plus one, of the first line of an id; 0: free
    std::uint32_t print;
  };

  void addWaiting();
  void add(const WaitingKey& waiting);
  void noteId(const WaitingKey& waiting, std::uint64_t slot);
  void fill(KeySlot& slot, const KeyLine& key);
  std::uint32_t append(std::string_view text);
  std::uint32_t intern();
  void complain(std::uint64_t line, std::string message);
  std::uint64_t next(std::uint64_t at) const noexcept;
  std::string_view idOf(const KeySlot& slot) const noexcept;

  const std::uint64_t capacity_;
  const std::uint64_t text_size_;
  std::vector<KeyFileError>& errors_;
  std::unique_ptr<KeyImage> image_;
  std::vector<std::uint32_t> lines_;  // by slot
  std::vector<IdPlace> ids_;          // by hash of the id
  std::array<WaitingKey, 16> waiting_;
  std::size_t waiting_count_ = 0;
  std::unordered_map<std::string, std::uint32_t>
      known_;           // policies, and the word where each begins
  std::string policy_;  // of the line at work
  std::string last_policy_;
  std::uint32_t last_policy_at_ = 0;
  std::uint64_t keys_ = 0;
};

}  // namespace agw
