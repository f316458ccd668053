// Every key of the configuration file, in one place: what is known, how it is written, what it
// means. docs/configuration.md holds the same tables; a test compares them.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace agw::config {

struct Key {
  std::string_view name;
  std::string_view type;           // as the documentation names it
  std::string_view default_value;  // "required", "none", or the value as one would write it
  std::string_view meaning;
};

struct Section {
  std::string_view path;  // e.g. "agents[].policies"; "" is the top level
  std::span<const Key> keys;

  const Key* find(std::string_view name) const;
  std::vector<std::string_view> names() const;
};

extern const Section kTopSection;
extern const Section kServerSection;
extern const Section kLogSection;
extern const Section kDefaultsSection;
extern const Section kUpstreamSection;
extern const Section kMcpServerSection;
extern const Section kToolSection;
extern const Section kAgentSection;
extern const Section kAgentUpstreamSection;
extern const Section kPoliciesSection;

// What one value of a section's choosing key asks for: a tool's provider, a server's transport, an
// agent's kind.
struct Choice {
  const Section* section;
  std::string_view key;
  std::string_view value;
  std::span<const std::string_view> required;  // keys that must be written
  std::span<const std::string_view> refused;   // keys that have no meaning
};

std::span<const Choice> allChoices();
// The keys that have no meaning with `value`.
std::span<const std::string_view> refusedKeys(const Section& section, std::string_view value);

// In the order of the documentation.
std::span<const Section* const> allSections();

// A section's Markdown table, as it stands in docs/configuration.md.
std::string markdownTable(const Section& section);

}  // namespace agw::config
