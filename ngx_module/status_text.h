// The two forms of agent_status, from numbers to text. No nginx in here.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "ngx_module/limit_store.h"
#include "ngx_module/worker_records.h"

namespace agw {

struct StatusNumbers {
  Counts counts{};
  LimitStore::Totals limits{};
  std::uint64_t workers = 0;
  std::int64_t uploads = 0;
  std::uint64_t key_generation = 0;
  std::uint64_t keys = 0;
  std::uint64_t key_capacity = 0;
  std::uint64_t key_text_used = 0;      // bytes
  std::uint64_t key_text_capacity = 0;  // bytes
  std::uint64_t key_loads = 0;
  std::uint64_t key_failures = 0;
  std::int64_t keys_loaded_at = 0;  // Unix time; 0: never
  std::uint64_t key_load_microseconds = 0;
  std::uint64_t keys_expiring = 0;
  std::uint64_t keys_expired = 0;
  bool is_key_file_valid = false;
  std::string_view key_file_problem;
  std::string_view version;
};

// May throw std::bad_alloc.
std::string prometheusText(const StatusNumbers& numbers);
std::string jsonText(const StatusNumbers& numbers);

}  // namespace agw
