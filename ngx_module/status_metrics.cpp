#include "ngx_module/status_metrics.h"

namespace agw {
namespace {

constexpr std::string_view kPers[] = {"key", "user", "agent"};
constexpr std::string_view kKinds[] = {"requests", "tokens", "streams"};

class Writer {
 public:
  Writer(const StatusNumbers& numbers, MetricSink& sink) : numbers_(numbers), sink_(sink) {}

  double count(Counter counter) const {
    return static_cast<double>(numbers_.counts[static_cast<std::size_t>(counter)]);
  }
  void counter(std::string_view name, std::string_view help) {
    sink_.family(name, "counter", help);
  }
  void gauge(std::string_view name, std::string_view help, double value) {
    sink_.family(name, "gauge", help);
    sink_.sample({}, value);
  }
  void one(std::string_view name, std::string_view help, double value) {
    counter(name, help);
    sink_.sample({}, value);
  }
  void labelled(std::string_view label, std::string_view value, Counter counter) {
    const MetricLabel labels[] = {{label, value}};
    sink_.sample(labels, count(counter));
  }
  void limited(Counter base) {
    for (std::size_t per = 0; per < kLimitPers; ++per) {
      for (std::size_t kind = 0; kind < kLimitKinds; ++kind) {
        const MetricLabel labels[] = {{"per", kPers[per]}, {"limit", kKinds[kind]}};
        sink_.sample(labels, count(limitCounter(base, static_cast<LimitPer>(per),
                                                static_cast<LimitKind>(kind))));
      }
    }
  }

 private:
  const StatusNumbers& numbers_;
  MetricSink& sink_;
};

void describeRequests(Writer& w) {
  w.counter("agent_gateway_edge_requests_total", "Requests by class of the response's status.");
  w.labelled("class", "2xx", Counter::Responses2xx);
  w.labelled("class", "3xx", Counter::Responses3xx);
  w.labelled("class", "4xx", Counter::Responses4xx);
  w.labelled("class", "5xx", Counter::Responses5xx);
  w.labelled("class", "other", Counter::ResponsesOther);
  w.counter("agent_gateway_edge_auth_failures_total", "Requests without a usable API key.");
  w.labelled("reason", "missing", Counter::KeyMissing);
  w.labelled("reason", "malformed", Counter::KeyMalformed);
  w.labelled("reason", "unknown", Counter::KeyUnknown);
  w.labelled("reason", "expired", Counter::KeyExpired);
  w.labelled("reason", "not_loaded", Counter::KeysNotLoaded);
  w.one("agent_gateway_edge_auth_limited_total",
        "Failures to authenticate beyond what agent_auth_limit allows an address.",
        w.count(Counter::AddressLimited));
  w.counter("agent_gateway_edge_denied_total", "Requests that the key's grants do not cover.");
  w.labelled("reason", "scope", Counter::ScopeDenied);
  w.labelled("reason", "agent", Counter::AgentDenied);
  w.one("agent_gateway_edge_bodies_refused_total", "Chat bodies that the scanner refused.",
        w.count(Counter::BodyRefused));
}

void describeLimits(const StatusNumbers& n, Writer& w) {
  w.counter("agent_gateway_edge_limited_total", "Requests refused by a limit.");
  w.limited(Counter::Limited);
  w.counter("agent_gateway_edge_limited_dry_run_total", "Requests that a dry run would refuse.");
  w.limited(Counter::DryRun);
  w.one("agent_gateway_edge_limits_full_total",
        "Requests refused because the zone has no room for their limits.",
        w.count(Counter::LimitsFull));
  w.counter("agent_gateway_edge_tokens_total", "Tokens that executors reported.");
  w.labelled("kind", "prompt", Counter::PromptTokens);
  w.labelled("kind", "completion", Counter::CompletionTokens);
  w.labelled("kind", "total", Counter::TotalTokens);
  w.one("agent_gateway_edge_estimated_tokens_total",
        "Tokens charged to limits without a report of the executor.",
        w.count(Counter::EstimatedTokens));
  w.one("agent_gateway_edge_estimated_runs_total",
        "Limited requests that ended without a report of the executor.",
        w.count(Counter::EstimatedRuns));
  w.counter("agent_gateway_edge_streams_broken_total",
            "Streams that the edge ended with an error event.");
  w.labelled("reason", "lost", Counter::StreamsLost);
  w.labelled("reason", "silent", Counter::StreamsSilent);
  w.labelled("reason", "max_run", Counter::StreamsTooLong);
  w.gauge("agent_gateway_edge_open_chats", "Admitted chat requests in flight.",
          w.count(Counter::ChatsBegun) - w.count(Counter::ChatsEnded));
  w.gauge("agent_gateway_edge_slots", "Slots of streams= limits that are held.",
          static_cast<double>(n.limits.slots));
  w.gauge("agent_gateway_edge_reserved_tokens", "Tokens of tokens= limits that are reserved.",
          static_cast<double>(n.limits.reserved));
  w.gauge("agent_gateway_edge_ledger_entries", "Open requests that hold slots or tokens.",
          n.limits.entries_used);
  w.gauge("agent_gateway_edge_ledger_capacity", "Room for ledger entries.", n.limits.entries);
  w.one("agent_gateway_edge_ledger_recovered_total",
        "Ledger entries closed for a worker that was gone.", w.count(Counter::LostEntries));
  w.gauge("agent_gateway_edge_limit_states", "Keys, users and agents whose limits are kept.",
          n.limits.nodes_used);
  w.gauge("agent_gateway_edge_limit_states_capacity", "Room for them.", n.limits.nodes);
  w.one("agent_gateway_edge_limit_states_forgotten_total",
        "States given up for lack of room although something was still used.",
        static_cast<double>(n.limits.forgotten));
  w.one("agent_gateway_edge_limit_rebuilds_total",
        "Times that a worker died while it changed the state of limits.",
        static_cast<double>(n.limits.rebuilds));
}

void describeKeys(const StatusNumbers& n, Writer& w) {
  w.gauge("agent_gateway_edge_keys", "Keys in the live table.", static_cast<double>(n.keys));
  w.gauge("agent_gateway_edge_keys_capacity", "Room for keys.",
          static_cast<double>(n.key_capacity));
  w.gauge("agent_gateway_edge_keys_text_bytes", "Bytes of ids and rules in the live table.",
          static_cast<double>(n.key_text_used));
  w.gauge("agent_gateway_edge_keys_text_capacity_bytes", "Room for ids and rules.",
          static_cast<double>(n.key_text_capacity));
  w.gauge("agent_gateway_edge_keys_generation", "How often a key table has become live.",
          static_cast<double>(n.key_generation));
  w.one("agent_gateway_edge_key_loads_total", "Key files that became live.",
        static_cast<double>(n.key_loads));
  w.one("agent_gateway_edge_key_load_failures_total", "Versions of the key file that were refused.",
        static_cast<double>(n.key_failures));
  w.gauge("agent_gateway_edge_key_file_valid", "1 when the live keys are those of the file.",
          n.is_key_file_valid ? 1 : 0);
  w.gauge("agent_gateway_edge_keys_loaded_timestamp_seconds", "When the live table was loaded.",
          static_cast<double>(n.keys_loaded_at));
  w.gauge("agent_gateway_edge_key_load_seconds", "How long its load took.",
          static_cast<double>(n.key_load_microseconds) / 1e6);
  w.gauge("agent_gateway_edge_keys_expiring", "Keys that expire within 7 days.",
          static_cast<double>(n.keys_expiring));
  w.gauge("agent_gateway_edge_keys_expired", "Keys of the live table that have expired.",
          static_cast<double>(n.keys_expired));
}

}  // namespace

void describeMetrics(const StatusNumbers& numbers, MetricSink& sink) {
  Writer writer(numbers, sink);
  const MetricLabel version[] = {{"version", numbers.version}};
  sink.family("agent_gateway_edge_build_info", "gauge", "The module's version.");
  sink.sample(version, 1);
  writer.gauge("agent_gateway_edge_workers", "Worker processes, draining ones too.",
               static_cast<double>(numbers.workers));
  describeRequests(writer);
  writer.gauge("agent_gateway_edge_uploads", "Requests whose body is still arriving.",
               static_cast<double>(numbers.uploads));
  writer.one("agent_gateway_edge_uploads_refused_total",
             "Requests refused because agent_max_uploads bodies were arriving.",
             writer.count(Counter::UploadsFull));
  describeLimits(numbers, writer);
  describeKeys(numbers, writer);
}

}  // namespace agw
