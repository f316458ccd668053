// All that the workers share: one block of memory, which stays over reloads. No nginx in here.
//
//   EdgeMemory | KeyTable with its two halves | LimitStore with entries and nodes
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "ngx_module/address_guard.h"
#include "ngx_module/file_reader.h"
#include "ngx_module/key_table.h"
#include "ngx_module/limit_identity.h"
#include "ngx_module/limit_store.h"
#include "ngx_module/worker_records.h"

namespace agw {

// The key file as the watching worker last found it. Written by the holder of `loader`.
struct KeyFileState {
  std::atomic<std::uint32_t> loader;              // process that loads now; 0: nobody
  std::atomic<std::uint64_t> last_look;           // ms, monotonic
  FileVersion judged;                             // loaded, or refused
  FileVersion seen;                               // at the last look
  std::atomic<std::int64_t> next_expiry_look;     // seconds, monotonic
  std::atomic<std::int64_t> next_expiry_warning;  // the same
  // For agent_status.
  std::atomic<std::uint64_t> loads;
  std::atomic<std::uint64_t> failures;
  std::atomic<std::int64_t> loaded_at;  // Unix time
  std::atomic<std::uint64_t> load_microseconds;
  std::atomic<std::uint64_t> keys;
  std::atomic<std::uint64_t> text_used;  // bytes
  std::atomic<std::uint64_t> expiring;   // within the warning time
  std::atomic<std::uint64_t> expired;
  std::atomic<bool> is_valid;  // the file as it is now is what is live
  // What is wrong with it, NUL-terminated; read and written under the lock of the limits.
  std::array<char, 400> problem;
};

class EdgeMemory {
 public:
  // For this many keys, with a minimum of ids, rules and limits.
  static std::size_t smallestFor(std::uint64_t capacity) noexcept;
  // How much of it is for ids and rules of one half of the key table.
  static std::uint64_t textFor(std::size_t bytes, std::uint64_t capacity) noexcept;

  // `memory`: `bytes`, at least smallestFor(capacity), zeroed, 64-aligned. `module`: where the code
  // of the module lies. `limit_secret`: random.
  static EdgeMemory* create(void* memory, std::size_t bytes, std::uint64_t capacity,
                            const void* module, const LimitSecret& limit_secret) noexcept;
  // Whether memory that another configuration left is one of this version of the module.
  static bool isUsable(const void* memory) noexcept;

  std::uint64_t capacity() const noexcept { return capacity_; }
  KeyTable& keys() noexcept;
  LimitStore& limits() noexcept;
  const LimitSecret& limitSecret() const noexcept { return limit_secret_; }

  // The code that is in use; says whether it is other code than before.
  bool noteModule(const void* module) noexcept;

  std::atomic<std::uint32_t> epoch;         // counts configurations; old workers do not watch files
  std::atomic<std::uint64_t> last_reaping;  // ms, monotonic
  KeyFileState key_file;
  WorkerRecords workers;
  AddressGuard addresses;

 private:
  EdgeMemory() = default;

  std::uint64_t magic_;
  std::uint64_t capacity_;
  std::uint64_t keys_at_;
  std::uint64_t limits_at_;
  std::uint64_t module_;
  LimitSecret limit_secret_;
};

}  // namespace agw
