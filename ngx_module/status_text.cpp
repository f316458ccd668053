#include "ngx_module/status_text.h"

#include <cstdio>

#include "ngx_module/status_metrics.h"
#include "shared/openai_error.h"

namespace agw {
namespace {

// Numbers of Prometheus are doubles; whole ones are written as such.
std::string numberText(double value) {
  std::array<char, 32> text;
  const int size =
      value == static_cast<double>(static_cast<std::int64_t>(value))
          ? std::snprintf(text.data(), text.size(), "%lld", static_cast<long long>(value))
          : std::snprintf(text.data(), text.size(), "%.6f", value);
  return {text.data(), static_cast<std::size_t>(size)};
}

class PrometheusWriter final : public MetricSink {
 public:
  void family(std::string_view name, std::string_view type, std::string_view help) override {
    name_ = name;
    text_.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ");
    text_.append(name).append(" ").append(type).append("\n");
  }
  void sample(std::span<const MetricLabel> labels, double value) override {
    text_ += name_;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      text_ += i == 0 ? "{" : ",";
      text_.append(labels[i].name).append("=\"").append(labels[i].value).append("\"");
    }
    text_.append(labels.empty() ? " " : "} ").append(numberText(value)).append("\n");
  }
  std::string take() { return std::move(text_); }

 private:
  std::string_view name_;
  std::string text_;
};

// {"agent_gateway_edge_…": number} or, with labels, a list of {"labels":{…},"value":number}.
class JsonWriter final : public MetricSink {
 public:
  void family(std::string_view name, std::string_view, std::string_view) override {
    endFamily();
    text_.append(text_.empty() ? "{\"" : ",\n\"").append(name).append("\":");
  }
  void sample(std::span<const MetricLabel> labels, double value) override {
    if (labels.empty()) {
      text_ += numberText(value);
      return;
    }
    text_ += in_list_ ? "," : "[";
    in_list_ = true;
    text_ += "{\"labels\":{";
    for (std::size_t i = 0; i < labels.size(); ++i) {
      text_.append(i == 0 ? "\"" : ",\"").append(labels[i].name).append("\":\"");
      text_.append(labels[i].value).append("\"");
    }
    text_.append("},\"value\":").append(numberText(value)).append("}");
  }
  std::string take(std::string_view problem) {
    endFamily();
    text_ += ",\n\"key_file_problem\":";
    if (problem.empty()) {
      text_ += "null";
    } else {
      text_ += '"';
      appendJsonEscaped(text_, problem);
      text_ += '"';
    }
    text_ += "}\n";
    return std::move(text_);
  }

 private:
  void endFamily() {
    if (in_list_) {
      text_ += "]";
      in_list_ = false;
    }
  }
  bool in_list_ = false;
  std::string text_;
};

}  // namespace

std::string prometheusText(const StatusNumbers& numbers) {
  PrometheusWriter writer;
  describeMetrics(numbers, writer);
  return writer.take();
}

std::string jsonText(const StatusNumbers& numbers) {
  JsonWriter writer;
  describeMetrics(numbers, writer);
  return writer.take(numbers.key_file_problem);
}

}  // namespace agw
