#include "config/json_schema.h"

#include <array>
#include <stdexcept>
#include <vector>

#include "base/json_reader.h"
#include "config/json_schema_types.h"
#include "config/schema.h"

namespace agw::config {
namespace {

// The sections by the names that they have in the JSON Schema. A tool in a map is named by its key.
struct Definition {
  std::string_view name;
  const Section* section;
};

constexpr std::array kDefinitions = {
    Definition{"server", &kServerSection},
    Definition{"log", &kLogSection},
    Definition{"defaults", &kDefaultsSection},
    Definition{"upstream", &kUpstreamSection},
    Definition{"mcp_server", &kMcpServerSection},
    Definition{"tool", &kToolSection},
    Definition{"tool_of_map", &kToolSection},
    Definition{"agent", &kAgentSection},
    Definition{"agent_upstream", &kAgentUpstreamSection},
    Definition{"policies", &kPoliciesSection},
};

constexpr const char* kUpstreamName = "^[A-Za-z0-9._:@+-]{1,64}$";
constexpr const char* kServerName = "^[A-Za-z0-9._-]{1,64}$";
constexpr const char* kToolName = "^[A-Za-z0-9_-]{1,64}$";
constexpr const char* kModelId = "^[A-Za-z0-9._:/@+-]{1,256}$";
constexpr const char* kAnyName = "^";

Json reference(std::string_view definition) {
  return {{"$ref", "#/$defs/" + std::string(definition)}};
}

// A key that stands alone ("agents:") is as good as one that is not there.
Json mapOf(Json values, const char* names) {
  return {{"type", Json::array({"object", "null"})},
          {"propertyNames", {{"pattern", names}}},
          {"additionalProperties", std::move(values)}};
}

Json listOf(Json items) {
  return {{"type", Json::array({"array", "null"})}, {"items", std::move(items)}};
}

Json optionalMap(std::string_view definition) {
  return {{"anyOf", Json::array({reference(definition), Json{{"type", "null"}}})}};
}

Json schemaOf(const Key& key) {
  Json value = valueSchema(key.type);
  if (!value.is_null()) return value;
  if (key.type == "map") return optionalMap(key.name);
  if (key.type == "free map" || key.type == "JSON Schema") {
    return {{"type", Json::array({"object", "null"})}};
  }
  if (key.type == "list of text") return listOf(textSchema());
  if (key.type == "list of paths") return listOf(valueSchema("path"));
  if (key.type == "map of name to text") return mapOf(textSchema(), kAnyName);
  if (key.type == "map of id to model id") return mapOf(textSchema(), kModelId);
  if (key.type == "map of name to upstream") return mapOf(reference("upstream"), kUpstreamName);
  if (key.type == "map of name to MCP server") return mapOf(reference("mcp_server"), kServerName);
  if (key.type == "list of agents") return listOf(reference("agent"));
  if (key.type == "list, or map of name to tool") {
    return {{"anyOf",
             Json::array({listOf(reference("tool")), mapOf(reference("tool_of_map"), kToolName)})}};
  }
  if (key.type == "name, or list of names and upstreams") {
    const Json entry = {{"anyOf", Json::array({valueSchema("name"), reference("agent_upstream")})}};
    Json list = {{"type", "array"}, {"minItems", 1}, {"items", entry}};
    return {{"anyOf", Json::array({valueSchema("name"), std::move(list)})}};
  }
  if (key.type == "list of names and tools") {
    return listOf({{"anyOf", Json::array({textSchema(), reference("tool")})}});
  }
  throw std::logic_error("no JSON Schema for the type " + std::string(key.type));
}

Json namesOf(std::span<const std::string_view> keys) {
  Json names = Json::array();
  for (const std::string_view key : keys) names.push_back(std::string(key));
  return names;
}

// What the choice asks for, when `key` has made it.
Json conditionOf(const Choice& choice, std::string_view key) {
  const Key* const known = choice.section->find(key);
  const std::string name(key);
  Json when = {{"properties", {{name, {{"const", std::string(choice.value)}}}}}};
  if (known->default_value != choice.value) when["required"] = Json::array({name});
  Json then = {{"required", namesOf(choice.required)}};
  for (const std::string_view refused : choice.refused) {
    then["properties"][std::string(refused)] = false;
  }
  return {{"if", std::move(when)}, {"then", std::move(then)}};
}

void addConditions(Json& schema, const Section& section) {
  Json conditions = Json::array();
  for (const Choice& choice : allChoices()) {
    if (choice.section != &section) continue;
    conditions.push_back(conditionOf(choice, choice.key));
    if (&section == &kToolSection) conditions.push_back(conditionOf(choice, "type"));
  }
  if (!conditions.empty()) schema["allOf"] = std::move(conditions);
}

Json sectionSchema(const Section& section, bool is_in_map) {
  Json properties = Json::object();
  Json required = Json::array();
  for (const Key& key : section.keys) {
    const std::string name(key.name);
    properties[name] = schemaOf(key);
    properties[name]["description"] = std::string(key.meaning);
    if (key.default_value == "required") {
      required.push_back(name);
    } else if (key.default_value != "none") {
      properties[name]["default"] = defaultValue(key.type, key.default_value);
    }
  }
  Json schema = {
      {"type", "object"}, {"additionalProperties", false}, {"properties", std::move(properties)}};
  if (&section == &kToolSection) {
    required = is_in_map ? Json::array() : Json::array({"name"});
    schema["oneOf"] = Json::array(
        {Json{{"required", Json::array({"provider"})}}, Json{{"required", Json::array({"type"})}}});
  }
  if (&section == &kUpstreamSection) {
    schema["dependentSchemas"] = {
        {"api_key", {{"properties", {{"api_key_env", false}, {"api_key_file", false}}}}},
        {"api_key_env", {{"properties", {{"api_key_file", false}}}}}};
  }
  if (!required.empty()) schema["required"] = std::move(required);
  addConditions(schema, section);
  return schema;
}

}  // namespace

std::string jsonSchema() {
  Json schema = {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                 {"title", "Agent Gateway: configuration of the executor"},
                 {"description", "Made by: agent-executor check --schema"}};
  schema.update(sectionSchema(kTopSection, false));
  for (const Definition& definition : kDefinitions) {
    schema["$defs"][std::string(definition.name)] =
        sectionSchema(*definition.section, definition.name == "tool_of_map");
  }
  return schema.dump(2) + '\n';
}

}  // namespace agw::config
