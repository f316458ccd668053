#include "ngx_module/key_file.h"

#include <algorithm>
#include <limits>
#include <unordered_map>

#include "shared/api_key.h"
#include "shared/edge_headers.h"

namespace agw {
namespace {

class Builder {
 public:
  Builder(std::uint64_t capacity, std::vector<KeyFileError>& errors)
      : capacity_(capacity), errors_(errors), image_(std::make_unique<KeyImage>()) {
    image_->slots.resize(KeyTable::slotsFor(capacity));
    lines_.resize(image_->slots.size());
  }

  void add(const KeyLine& key, std::uint64_t line) {
    // Counted on beyond the capacity, so that the message can say how many there are.
    ++keys_;
    if (keys_ > capacity_) {
      return;
    }
    std::uint64_t at = KeyTable::firstSlot(key.hash, image_->slots.size());
    while (image_->slots[at].used) {
      if (image_->slots[at].hash == key.hash) {
        errors_.push_back({line, "the same key as on line " + std::to_string(lines_[at]) +
                                     "; one key stands for one id, so remove one of the lines"});
        return;
      }
      at = at + 1 == image_->slots.size() ? 0 : at + 1;
    }
    lines_[at] = line;
    noteLimits(key, line);
    fill(image_->slots[at], key);
  }

  std::unique_ptr<KeyImage> finish() {
    if (keys_ > capacity_) {
      errors_.push_back(
          {0, "has " + std::to_string(keys_) + " keys, but agent_zone has room for keys=" +
                  std::to_string(capacity_) + "; raise keys= (and the size) and restart nginx"});
    } else if (image_->text.size() > KeyTable::textFor(capacity_)) {
      errors_.push_back({0, "needs " + std::to_string(image_->text.size()) +
                                " bytes for ids and rules, but agent_zone has " +
                                std::to_string(KeyTable::textFor(capacity_)) +
                                "; give more keys the same allow= and deny=, or raise keys= (and "
                                "the size) and restart nginx"});
    }
    image_->keys = keys_;
    return errors_.empty() ? std::move(image_) : nullptr;
  }

 private:
  void noteLimits(const KeyLine& key, std::uint64_t line) {
    const bool is_limited = key.requests.count != 0 || key.tokens.count != 0 || key.burst != 0 ||
                            key.streams != 0 || key.max_run_seconds != 0;
    if (is_limited && ++image_->limited_keys == 1) {
      image_->first_limited_line = line;
    }
  }

  void fill(KeySlot& slot, const KeyLine& key) {
    slot.hash = key.hash;
    slot.used = 1;
    slot.scopes = key.scopes;
    slot.expires_unix = 0;
    if (key.expires_unix != 0) {
      slot.expires_unix = static_cast<std::uint32_t>(
          std::clamp<std::int64_t>(key.expires_unix, 1, std::numeric_limits<std::uint32_t>::max()));
    }
    slot.id_size = static_cast<std::uint8_t>(key.id.size());
    if (key.id.size() <= KeySlot::kInlineId) {
      std::copy(key.id.begin(), key.id.end(), slot.inline_id.begin());
    } else {
      slot.id_offset = intern(std::string(key.id));
    }
    std::string grants;
    appendGrants(grants, {.allow = key.allow, .deny = key.deny, .act_as = key.act_as});
    slot.grants_size = static_cast<std::uint16_t>(grants.size());
    slot.grants_offset = intern(std::move(grants));
  }

  // Equal texts share their place. Padded to whole words, because the table is copied by words.
  std::uint32_t intern(std::string text) {
    auto [found, is_new] =
        known_.try_emplace(std::move(text), static_cast<std::uint32_t>(image_->text.size()));
    if (is_new) {
      image_->text += found->first;
      image_->text.resize((image_->text.size() + 7) / 8 * 8);
    }
    return found->second;
  }

  const std::uint64_t capacity_;
  std::vector<KeyFileError>& errors_;
  std::unique_ptr<KeyImage> image_;
  std::vector<std::uint64_t> lines_;  // by slot
  std::unordered_map<std::string, std::uint32_t> known_;
  std::uint64_t keys_ = 0;
};

}  // namespace

std::unique_ptr<KeyImage> buildKeyImage(std::string_view file_text, std::uint64_t capacity,
                                        std::vector<KeyFileError>& errors) {
  Builder builder(capacity, errors);
  std::uint64_t line_number = 0;
  while (!file_text.empty() && errors.size() < kMaxKeyFileErrors) {
    const std::size_t end = file_text.find('\n');
    const std::string_view line = file_text.substr(0, end);
    file_text.remove_prefix(end == std::string_view::npos ? file_text.size() : end + 1);
    ++line_number;
    KeyLine key;
    std::string error;
    switch (parseKeyLine(line, key, error)) {
      case KeyLineResult::Empty:
        break;
      case KeyLineResult::Error:
        errors.push_back({line_number, std::move(error)});
        break;
      case KeyLineResult::Key:
        builder.add(key, line_number);
        break;
    }
  }
  return builder.finish();
}

}  // namespace agw
