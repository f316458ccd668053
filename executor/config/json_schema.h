// A JSON Schema (draft 2020-12) of the configuration file, for editors and for checks without the
// program. It is made from schema.h; what refers to other parts (names, the environment, other
// files) only the program can check.
#pragma once

#include <string>

namespace agw::config {

// Pretty JSON with a line feed at its end.
std::string jsonSchema();

}  // namespace agw::config
