#include "quirk_file.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace agw::test {
namespace {

std::string bytesOfHex(const std::string& hex) {
  std::string digits;
  std::copy_if(hex.begin(), hex.end(), std::back_inserter(digits), [](char c) { return c != ' '; });
  std::string out;
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    out += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
  }
  return out;
}

std::string bytesOf(const Json& pieces) {
  std::string out;
  for (const Json& piece : pieces) {
    out += piece.is_string() ? piece.get<std::string>()
                             : bytesOfHex(piece.at("hex").get<std::string>());
  }
  return out;
}

QuirkFile read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const Result<Json> json = parseJson(text);
  if (!json) throw std::runtime_error(path.string() + ": " + json.error().message);
  const Json& answer = json->at("answer");
  const auto header = [&](const char* name) {
    return answer.at("headers").value(name, std::string());
  };
  QuirkFile out;
  out.name = path.stem();
  out.quirk = json->at("quirk");
  out.stream = json->at("stream");
  out.content_type = header("Content-Type");
  out.content_encoding = header("Content-Encoding");
  out.body = bytesOf(answer.at("body"));
  if (answer.value("ends", "eof") != "eof") {
    out.breaks = upstreamError(ErrorCode::UpstreamStreamTruncated, "the connection broke");
  }
  out.expected = json->at("expect");
  return out;
}

}  // namespace

std::vector<QuirkFile> readQuirkFiles(const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().extension() == ".json") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<QuirkFile> out;
  out.reserve(paths.size());
  for (const auto& path : paths) out.push_back(read(path));
  return out;
}

}  // namespace agw::test
