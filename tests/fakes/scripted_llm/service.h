// What all connections share: the script in force, the log, and the answers that are no chat.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>

#include "request_log.h"
#include "script.h"

namespace scripted_llm {

struct PlainResponse {
  unsigned status = 200;
  std::string body;
};

class Service {
 public:
  Service(std::shared_ptr<const Script> script, std::filesystem::path script_folder,
          std::string expected_key, std::size_t max_logged_body);

  RequestLog& log() { return log_; }
  std::shared_ptr<const Script> script() const;
  // absent|expected|other for the value of an Authorization header (empty: no such header).
  std::string judgeAuthorization(const std::string& value) const;

  // Requests to /_...: inspection and control. They are not logged.
  PlainResponse control(const std::string& method, const std::string& target,
                        const std::string& body);
  // GET /v1/models.
  std::string modelsJson() const;
  // Whether a request with such an `authorization` (as judged) is not served.
  bool refuses(const std::string& authorization) const;

 private:
  PlainResponse replaceScript(const std::string& body);

  const std::filesystem::path script_folder_;
  const std::string expected_key_;
  RequestLog log_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Script> script_;  // guarded
};

}  // namespace scripted_llm
